// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Event tracing (trace.h). The ring is the tracer's to spoil: nothing that stands in it is
// believed, but for `read`, which at worst lets records be overwritten.
#include "kernel/arch/x86_64/x86.h"
#include "kernel/cpu.h"
#include "kernel/gsi.h"
#include "kernel/layout.h"
#include "kernel/mapping.h"
#include "kernel/paging.h"
#include "kernel/sm.h"

enum { PIECES_MAX = 64 };

static const struct hip *machine;
static struct spinlock trace_lock; // before no other lock
static struct ec *traced;
static struct mapping **no_caps[CAP_PAGES]; // what a traced EC's fast path sees

void trace_init(const struct hip *hip)
{
    machine = hip;
    for (unsigned i = 0; i < CAP_PAGES; i++)
        no_caps[i] = null_cap_page;
}

static bool frames_are_free(u64 frame, u64 count)
{
    for (unsigned i = 0; i < machine->memory_count; i++) {
        const struct hip_memory *m = &machine->memory[i];
        if (m->kind == HIP_MEM_FREE && frame * PAGE_SIZE >= m->base &&
            (frame + count) * PAGE_SIZE <= m->base + m->size)
            return true; // what the kernel keeps is of another kind
    }
    return false;
}

// The first frame behind `count` pages from `page` on, if they are contiguous, writable and
// ordinary memory; 0: not so. Under mapping_lock.
static u64 frames_at(u64 page, u64 count)
{
    u64 first = 0, at = page, beyond = page + count;
    for (unsigned pieces = 0; at < beyond; pieces++) {
        const struct mapping *m = mapping_find(root_pd, CRD_MEM, at);
        if (!m || pieces == PIECES_MAX || (m->attr & ~MAPPING_SMALL) ||
            (~m->rights & (MEM_R | MEM_W)))
            return 0;
        u64 frame = m->frame + (at - m->base);
        if (at == page)
            first = frame;
        else if (frame != first + (at - page))
            return 0;
        at = m->base + m->count;
    }
    return frames_are_free(first, count) ? first : 0;
}

static struct trace_ring *ring_at(u64 address, u64 bytes)
{
    if (address % TRACE_RING_ALIGN || address >= USER_END || bytes > USER_END - address ||
        bytes < TRACE_RING_MIN)
        return NULL;
    u64 page = address / PAGE_SIZE, count = (address + bytes - 1) / PAGE_SIZE - page + 1;
    mapping_lock();
    u64 frame = frames_at(page, count);
    mapping_unlock();
    if (!frame || !direct_map_reach(frame, count))
        return NULL;
    return (struct trace_ring *)((char *)phys_to_virt(frame * PAGE_SIZE) + address % PAGE_SIZE);
}

// Under trace_lock.
static void begin(struct ec *ec, struct trace_ring *ring, u64 capacity)
{
    struct trace *t = &ec->trace;
    *ring = (struct trace_ring){.capacity = capacity};
    t->mask = capacity - 1;
    t->written = t->retry = 0;
    t->chosen = 0;
    t->waits = false;
    t->next = traced;
    t->link = &traced;
    if (t->next)
        t->next->trace.link = &t->next;
    traced = ec;
    __atomic_store_n(&t->ring, ring, __ATOMIC_RELEASE);
    __atomic_store_n(&ec->caps, no_caps, __ATOMIC_RELEASE);
    __atomic_fetch_or(&ec->hazard, HAZARD_TRACED, __ATOMIC_RELEASE);
}

// Under trace_lock.
static void end(struct ec *ec)
{
    struct trace *t = &ec->trace;
    *t->link = t->next;
    if (t->next)
        t->next->trace.link = t->link;
    t->link = NULL;
    __atomic_store_n(&t->ring, NULL, __ATOMIC_RELEASE);
    __atomic_store_n(&ec->caps, ec->pd->caps, __ATOMIC_RELEASE);
    __atomic_fetch_and(&ec->hazard, ~(u32)HAZARD_TRACED, __ATOMIC_RELEASE);
}

u32 trace_start(struct ec *ec, u64 address, u64 bytes, u64 policy, u64 filter, u64 *capacity)
{
    struct trace *t = &ec->trace;
    u32 error = SUCCESS;
    if (policy & ~(u64)TRACE_POLICY_VALID)
        return EPARAM;
    struct trace_ring *ring = ring_at(address, bytes);
    if (!ring)
        return EPARAM;
    u64 records = (bytes - sizeof(*ring)) / sizeof(struct trace_record);
    *capacity = 1ul << (63 - __builtin_clzl(records));
    spin_lock(&trace_lock);
    if (t->over)
        error = ECAP;
    else if (t->ring)
        error = EBUSY;
    if (!error) {
        t->address = address;
        t->policy = (u32)policy;
        t->filter = filter;
        begin(ec, ring, *capacity);
    }
    spin_unlock(&trace_lock);
    if (!error)
        ec_remote(ec, REMOTE_CHECK);
    return error;
}

u32 trace_set(struct ec *ec, u64 policy, u64 filter)
{
    struct trace *t = &ec->trace;
    if (policy & ~(u64)TRACE_POLICY_VALID)
        return EPARAM;
    spin_lock(&trace_lock);
    bool on = t->ring;
    if (on) {
        __atomic_store_n(&t->filter, filter, __ATOMIC_RELAXED);
        __atomic_store_n(&t->policy, (u32)policy, __ATOMIC_RELEASE);
    }
    spin_unlock(&trace_lock);
    return on ? SUCCESS : EPARAM;
}

u32 trace_stop(u64 address)
{
    u32 cpu_mask = 0;
    spin_lock(&trace_lock);
    for (struct ec *ec = traced, *next; ec; ec = next) {
        next = ec->trace.next;
        if (ec->trace.address == address) {
            end(ec);
            cpu_mask |= 1u << ec->cpu;
        }
    }
    spin_unlock(&trace_lock);
    if (cpu_mask & ~(1u << this_cpu()->index)) // a record may be half written there
        tlb_flush(&(struct tlb_batch){.cpu_mask = cpu_mask, .entries = 2});
    return cpu_mask ? SUCCESS : EPARAM;
}

void trace_end(struct ec *ec)
{
    spin_lock(&trace_lock);
    ec->trace.over = true;
    if (ec->trace.link)
        end(ec);
    spin_unlock(&trace_lock);
}

// What the event that begins something decides also holds for the one that ends it.
static const u8 beginning_of[TRACE_EVENTS] = {
    [TRACE_RETURN] = TRACE_CALL, [TRACE_REPLY] = TRACE_DISPATCH, [TRACE_WAKE] = TRACE_WAIT};

static bool passes_filter(struct trace *t, u32 policy, enum trace_event event, u64 first,
                          u64 second)
{
    if (beginning_of[event])
        return t->chosen >> beginning_of[event] & 1;
    if (event == TRACE_FAULT || event == TRACE_MARK)
        return true;
    u64 filter = __atomic_load_n(&t->filter, __ATOMIC_RELAXED);
    bool passes = (!(policy & TRACE_ONLY_FIRST) || first == filter) &&
                  (!(policy & TRACE_ONLY_SECOND) || second == filter);
    t->chosen = (u16)((t->chosen & ~(1u << event)) | (u32)passes << event);
    return passes;
}

// With a policy of more than a mask.
static __attribute__((noinline)) bool admits(struct trace *t, struct trace_ring *ring, u32 policy,
                                             enum trace_event event, u64 first, u64 second)
{
    if ((policy & (TRACE_ONLY_FIRST | TRACE_ONLY_SECOND)) &&
        !passes_filter(t, policy, event, first, second))
        return false;
    if (!(policy >> event & 1))
        return false;
    if (!(policy & TRACE_STOP) ||
        t->written - __atomic_load_n(&ring->read, __ATOMIC_ACQUIRE) <= t->mask)
        return true;
    ring->lost++;
    return false;
}

static inline __attribute__((always_inline)) void record(struct ec *ec, enum trace_event event,
                                                         u64 first, u64 second)
{
    struct trace *t = &ec->trace;
    struct trace_ring *ring = __atomic_load_n(&t->ring, __ATOMIC_ACQUIRE);
    u32 policy = __atomic_load_n(&t->policy, __ATOMIC_RELAXED);
    if (!ring)
        return;
    if (UNLIKELY(policy >> TRACE_EVENTS) ? !admits(t, ring, policy, event, first, second)
                                         : !(policy >> event & 1))
        return;
    u64 n = t->written;
    struct trace_record *r = &ring->record[n & t->mask];
    r->tsc = rdtsc();
    r->event = event;
    r->cpu = ec->cpu;
    r->first = first;
    r->second = second;
    t->written = n + 1;
    __atomic_store_n(&ring->written, n + 1, __ATOMIC_RELEASE);
}

void trace_write(struct ec *ec, enum trace_event event, u64 first, u64 second)
{
    record(ec, event, first, second);
}

static inline __attribute__((always_inline)) void record_once(struct ec *ec, enum trace_event event,
                                                              u64 first, u64 second)
{
    if (LIKELY(ec->trace.retry != ec->regs.rip))
        record(ec, event, first, second);
    else
        ec->trace.retry = 0;
}

void trace_once(struct ec *ec, enum trace_event event, u64 first, u64 second)
{
    record_once(ec, event, first, second);
}

void trace_enter(struct ec *ec)
{
    this_cpu()->lazy |= LAZY_TRACED;
    if (ec->trace.waits) {
        ec->trace.waits = false;
        record(ec, TRACE_WAKE, ec->regs.rax, ec->regs.rdx);
    }
}

// The marks of the EC that becomes the current one.
static inline void hand_over(struct cpu *cpu, const struct ec *to)
{
    cpu->lazy = ec_traced(to) ? LAZY_TRACED : 0;
}

struct pt *trace_call(struct ec *ec)
{
    struct cpu *cpu = this_cpu();
    const struct regs *r = &ec->regs;
    const struct mapping *m = cap_lookup(ec->pd, r->rdi);
    if (!(m->fast & FAST_CALL))
        return NULL;
    struct pt *pt = (struct pt *)(void *)m->object;
    struct ec *handler = pt->ec;
    if ((handler->wait_tag & ~(u32)TAG_TRACED) != cpu->tag || (cpu->lazy & ~(u32)LAZY_TRACED) ||
        r->rsi > UTCB_WORDS)
        return NULL;
    record_once(ec, TRACE_CALL, r->rdi, r->rdx);
    record(handler, TRACE_DISPATCH, pt->id, r->rdx);
    hand_over(cpu, handler);
    return pt;
}

struct ec *trace_reply(struct ec *ec)
{
    struct cpu *cpu = this_cpu();
    const struct regs *r = &ec->regs;
    struct ec *caller = ec->caller;
    if ((cpu->lazy & ~(u32)LAZY_TRACED) || (caller->hazard & ~(u32)HAZARD_TRACED) ||
        r->rsi > UTCB_WORDS || cpu->links <= 0)
        return NULL;
    record_once(ec, TRACE_REPLY, r->rdx, r->rsi);
    record(caller, TRACE_RETURN, r->rdx, SUCCESS);
    hand_over(cpu, caller);
    return caller;
}
