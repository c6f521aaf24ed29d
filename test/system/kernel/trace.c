// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Event tracing: the root program traces itself, a handler and threads of other CPUs.
#include "test/system/kernel/support.h"
#include <tessera/trace.h>

enum { RING_BYTES = 4096, IDENTITY = 0x77, WORD = 42 };

static struct trace_ring *ring, *other;
static volatile u64 rounds, seen_error;

static struct trace_ring *ring_new(void)
{
    u64 page = page_new(1);
    take_kernel(crd(CRD_MEM, frame_new(1), 0, RIGHT_ALL), page, 0);
    return (struct trace_ring *)(page * PAGE_SIZE);
}

static error_t trace(sel_t ec, struct trace_ring *at, u64 bytes, u64 policy)
{
    u64 capacity;
    return hc_ec_trace(ec, (word_t)at, bytes, policy, 0, &capacity);
}

static void rings(void)
{
    if (ring)
        return;
    ring = ring_new();
    other = ring_new();
}

static bool is(const struct trace_ring *r, u64 n, enum trace_event event, u64 first, u64 second)
{
    const struct trace_record *record = &r->record[n & (r->capacity - 1)];
    return n < r->written && record->event == event && record->first == first &&
           record->second == second && record->cpu == 0 && record->tsc;
}

static void wrong_arguments(void)
{
    rings();
    word_t at = (word_t)ring;
    u64 capacity, device = page_new(1), read_only = page_new(1), frame = frame_new(1);
    u64 torn = page_new(2), frames = frame_new(4); // pages of frames that lie apart
    CHECK_EQ(take_kernel(crd(CRD_MEM, frames, 0, RIGHT_ALL), torn, 0), SUCCESS);
    CHECK_EQ(take_kernel(crd(CRD_MEM, frames + 2, 0, RIGHT_ALL), torn + 1, 0), SUCCESS);
    sel_t weak = sel_new(1), nothing = sel_new(1);
    CHECK_EQ(take_kernel(crd(CRD_MEM, frame, 0, RIGHT_ALL), device, ITEM_UNCACHED), SUCCESS);
    CHECK_EQ(take_kernel(crd(CRD_MEM, frame_new(1), 0, MEM_R), read_only, 0), SUCCESS);
    CHECK_EQ(delegate_to(SEL_PD, crd(CRD_OBJ, SEL_EC, 0, RIGHT_ALL & ~EC_CTRL), weak), SUCCESS);
    const struct {
        word_t address;
        u64 bytes;
    } wrong[] = {{at + 8, 256},
                 {at, 0},
                 {at, TRACE_RING_MIN - 1},
                 {at, 1ul << 40},
                 {at, ~0ul},
                 {0, 256},
                 {HIP_ADDR, 256},
                 {UTCB_ADDR, 256},
                 {IMAGE_BASE, 256},
                 {(word_t)&rounds & ~63ul, 256}, // the program's data lie in the kernel's pool
                 {device * PAGE_SIZE, 256},
                 {read_only * PAGE_SIZE, 256},
                 {page_new(1) * PAGE_SIZE, 256},
                 {torn * PAGE_SIZE, 2 * PAGE_SIZE},
                 {USER_END, 256},
                 {0xffff800000000000, 256},
                 {~63ul, 256}};
    for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++)
        CHECK_EQ(hc_ec_trace(SEL_EC, wrong[i].address, wrong[i].bytes, TRACE_ALL, 0, &capacity),
                 EPARAM);
    CHECK_EQ(trace(SEL_EC, ring, RING_BYTES, 1), EPARAM);
    CHECK_EQ(trace(SEL_EC, ring, RING_BYTES, 1ul << 40 | TRACE_ALL), EPARAM);
    CHECK_EQ(trace(weak, ring, RING_BYTES, TRACE_ALL), ECAP);
    CHECK_EQ(trace(nothing, ring, RING_BYTES, TRACE_ALL), ECAP);
    CHECK_EQ(trace(SEL_PD, ring, RING_BYTES, TRACE_ALL), ECAP);
    CHECK_EQ(hc_ec_trace_policy(SEL_EC, TRACE_ALL, 0), EPARAM); // not traced
    CHECK_EQ(hc_trace_stop(at), EPARAM);
    CHECK_EQ(hc_ec_trace(SEL_EC, at, TRACE_RING_MIN, 0, 0, &capacity), SUCCESS);
    CHECK_EQ(capacity, 1);
    CHECK_EQ(trace(SEL_EC, other, RING_BYTES, TRACE_ALL), EBUSY);
    CHECK_EQ(hc_ec_trace_policy(SEL_EC, 1, 0), EPARAM);
    CHECK_EQ(hc_trace_stop(at + 64), EPARAM);
    CHECK_EQ(hc_trace_stop(at), SUCCESS);
    CHECK_EQ(hc_trace_stop(at), EPARAM);
    CHECK_EQ(hc_ec_trace(SEL_EC, at, RING_BYTES, 0, 0, &capacity), SUCCESS);
    CHECK_EQ(capacity, 64);
    CHECK_EQ(hc_trace_stop(at), SUCCESS);
    drop(weak);
}

// In a domain that has EC_CTRL on the root's thread, and its own PD.
static void try_to_trace(word_t address)
{
    u64 capacity;
    seen_error = hc_ec_trace(0x22, address, RING_BYTES, TRACE_ALL, 0, &capacity) << 16 |
                 (u64)hc_ec_trace_policy(0x22, TRACE_ALL, 0) << 8 |
                 hc_plain(HC_pd_ctrl, 0x21, PD_TRACE_STOP, 0, address, 0, 0);
}

static void others_may_not_trace(void)
{
    struct thread t;
    rings();
    sel_t twin = twin_new(1 << 20, 1000);
    CHECK_EQ(delegate_to(twin, crd(CRD_OBJ, twin, 0, RIGHT_ALL), 0x21), SUCCESS);
    CHECK_EQ(delegate_to(twin, crd(CRD_OBJ, SEL_EC, 0, RIGHT_ALL), 0x22), SUCCESS);
    CHECK_EQ(thread_start(&t, twin, 0, 5, try_to_trace, (word_t)ring), SUCCESS);
    CHECK_EQ(thread_join(&t, WAIT_US), SUCCESS);
    CHECK_EQ(seen_error, ECAP << 16 | ECAP << 8 | ECAP);
    thread_free(&t);
    drop(twin);
}

static void events_are_recorded(void)
{
    struct handler h = handler_new(SEL_PD, 0, entry_echo, IDENTITY);
    sel_t sm = sel_new(1), nothing = sel_new(1);
    rings();
    CHECK_EQ(hc_create_sm(sm, 0, SEL_PD), SUCCESS);
    CHECK(!trace_mark(1, 2)); // nobody is told
    CHECK_EQ(trace(SEL_EC, ring, RING_BYTES, TRACE_ALL), SUCCESS);
    CHECK_EQ(trace(h.ec, other, RING_BYTES, TRACE_ALL), SUCCESS);
    CHECK(trace_mark(0x11, 0x22));
    head_t m = head(1, 0);
    word_t w[4] = {WORD};
    CHECK_EQ(hc_call(h.pt, &m, w), SUCCESS);
    CHECK_EQ(w[0], WORD);
    CHECK_EQ(hc_call(nothing, &m, w), ECAP);
    CHECK_EQ(sm_up(sm), SUCCESS);
    CHECK_EQ(sm_down(sm, 0), SUCCESS);
    CHECK_EQ(sm_down(sm, tsc() + tsc_us(100)), ETIMEOUT);
    // Messages that go the slow way.
    *utcb_item(ROOT_UTCB, 0) = item_translate(0);
    m = head(8, 1);
    w[0] = WORD + 1;
    CHECK_EQ(hc_call(h.pt, &m, w), SUCCESS);
    CHECK_EQ(hc_trace_stop((word_t)ring), SUCCESS);
    CHECK_EQ(hc_trace_stop((word_t)other), SUCCESS);
    CHECK(!trace_mark(3, 4));
    CHECK_EQ(hc_call(h.pt, &m, w), SUCCESS);
    CHECK_EQ(ring->written, 12);
    CHECK(is(ring, 0, TRACE_MARK, 0x11, 0x22));
    CHECK(is(ring, 1, TRACE_CALL, h.pt, WORD));
    CHECK(is(ring, 2, TRACE_RETURN, WORD, SUCCESS));
    CHECK(is(ring, 3, TRACE_CALL, nothing, WORD));
    CHECK(is(ring, 4, TRACE_RETURN, 0, ECAP));
    CHECK(is(ring, 5, TRACE_SIGNAL, sm, 1));
    CHECK(is(ring, 6, TRACE_WAIT, sm, SM_OP_DOWN));
    CHECK(is(ring, 7, TRACE_WAKE, SUCCESS, 1));
    CHECK(is(ring, 8, TRACE_WAIT, sm, SM_OP_DOWN));
    CHECK(is(ring, 9, TRACE_WAKE, ETIMEOUT, 0));
    CHECK(is(ring, 10, TRACE_CALL, h.pt, WORD + 1));
    CHECK(is(ring, 11, TRACE_RETURN, WORD + 1, SUCCESS));
    CHECK_EQ(other->written, 4);
    CHECK(is(other, 0, TRACE_DISPATCH, IDENTITY, WORD));
    CHECK(is(other, 1, TRACE_REPLY, WORD, head(1, 0)));
    CHECK(is(other, 2, TRACE_DISPATCH, IDENTITY, WORD + 1));
    CHECK(is(other, 3, TRACE_REPLY, WORD + 1, head(8, 1)));
    for (unsigned i = 1; i < 12; i++)
        CHECK(ring->record[i].tsc > ring->record[i - 1].tsc);
    drop(sm);
    handler_free(&h);
}

// Answers an exception without having done anything about it.
__attribute__((naked)) static void entry_leave(void)
{
    __asm__ volatile("xor %esi, %esi\n\txor %edx, %edx\n\tmov $1, %eax\n\tsyscall");
}

static void touch(word_t address)
{
    *(volatile u8 *)address = 1;
}

static void faults_are_recorded(void)
{
    struct thread t;
    struct handler h = handler_new(SEL_PD, 0, entry_leave, IDENTITY);
    word_t address = page_new(1) * PAGE_SIZE + 24;
    rings();
    CHECK_EQ(thread_start(&t, SEL_PD, 0, 1, touch, address), SUCCESS);
    CHECK_EQ(delegate_to(SEL_PD, crd(CRD_OBJ, h.pt, 0, PT_EVENT), t.exc_base + EXC_PAGE_FAULT),
             SUCCESS);
    CHECK_EQ(trace(t.ec, ring, RING_BYTES, TRACE_MASK(FAULT)), SUCCESS);
    CHECK_EQ(trace(h.ec, other, RING_BYTES, TRACE_ALL), SUCCESS);
    for (u64 until = tsc() + tsc_us(WAIT_US); ring->written < 2 && tsc() < until;)
        rest(100);
    CHECK_EQ(hc_trace_stop((word_t)ring), SUCCESS);
    CHECK_EQ(hc_trace_stop((word_t)other), SUCCESS);
    CHECK(ring->written >= 2); // not resolved: it faults again
    CHECK(is(ring, 0, TRACE_FAULT, EXC_PAGE_FAULT | 6 << 8, address)); // a user's write
    CHECK(is(other, 0, TRACE_DISPATCH, IDENTITY, EXC_PAGE_FAULT));
    CHECK(is(other, 1, TRACE_REPLY, 0, 0));
    drop(t.ec); // it faults for ever
    thread_free(&t);
    handler_free(&h);
}

static void full_rings(void)
{
    rings();
    u64 bytes = sizeof(*ring) + 4 * sizeof(struct trace_record), capacity;
    CHECK_EQ(hc_ec_trace(SEL_EC, (word_t)ring, bytes + 31, TRACE_MASK(MARK), 0, &capacity),
             SUCCESS);
    CHECK_EQ(capacity, 4);
    CHECK_EQ(ring->capacity, 4);
    ring->record[4].tsc = 0; // behind the ring
    for (u64 i = 0; i < 9; i++)
        trace_mark(i, 0);
    CHECK_EQ(ring->written, 9);
    for (u64 i = 5; i < 9; i++)
        CHECK(is(ring, i, TRACE_MARK, i, 0));
    CHECK_EQ(ring->record[4].tsc, 0);
    CHECK_EQ(hc_ec_trace_policy(SEL_EC, TRACE_MASK(MARK) | TRACE_STOP, 0), SUCCESS);
    trace_mark(9, 0);
    CHECK_EQ(ring->written, 9);
    CHECK_EQ(ring->lost, 1);
    ring->read = 7;
    for (u64 i = 9; i < 12; i++)
        trace_mark(i, 0);
    CHECK_EQ(ring->written, 11);
    CHECK_EQ(ring->lost, 2);
    CHECK(is(ring, 10, TRACE_MARK, 10, 0));
    CHECK_EQ(hc_trace_stop((word_t)ring), SUCCESS);
}

static void filter(void)
{
    struct handler h = handler_new(SEL_PD, 0, entry_echo, IDENTITY);
    u64 capacity;
    head_t m;
    word_t w[4] = {0};
    rings();
    CHECK_EQ(hc_ec_trace(SEL_EC, (word_t)ring, RING_BYTES, TRACE_ALL | TRACE_ONLY_SECOND, WORD,
                         &capacity),
             SUCCESS);
    for (unsigned i = 0; i < 3; i++) {
        m = head(1, 0);
        w[0] = WORD - 1 + i;
        CHECK_EQ(hc_call(h.pt, &m, w), SUCCESS);
    }
    CHECK_EQ(ring->written, 2);
    CHECK(is(ring, 0, TRACE_CALL, h.pt, WORD));
    CHECK(is(ring, 1, TRACE_RETURN, WORD, SUCCESS));
    CHECK_EQ(hc_ec_trace_policy(SEL_EC, TRACE_ALL | TRACE_ONLY_FIRST, h.pt + 1), SUCCESS);
    CHECK_EQ(hc_call(h.pt, &m, w), SUCCESS);
    CHECK_EQ(ring->written, 2);
    CHECK_EQ(hc_trace_stop((word_t)ring), SUCCESS);
    handler_free(&h);
}

static void mark_on(word_t unused)
{
    (void)unused;
    while (!stop) {
        trace_mark(1, 2);
        rounds++;
    }
}

// On another CPU: nothing is written after stop, and not to memory of an EC that is gone.
static void stop_reaches_other_cpus(void)
{
    struct thread t;
    rings();
    CHECK_EQ(thread_start(&t, SEL_PD, 1, 5, mark_on, 0), SUCCESS);
    for (unsigned i = 0; i < 200; i++) {
        CHECK_EQ(trace(t.ec, ring, RING_BYTES, TRACE_ALL), SUCCESS);
        for (u64 until = tsc() + tsc_us(WAIT_US); !ring->written && tsc() < until;)
            __asm__ volatile("pause");
        CHECK(ring->written);
        CHECK_EQ(hc_trace_stop((word_t)ring), SUCCESS);
        u64 before = ring->written, now = rounds;
        for (u64 until = tsc() + tsc_us(200); rounds == now && tsc() < until;)
            __asm__ volatile("pause");
        CHECK_EQ(ring->written, before);
    }
    CHECK_EQ(trace(t.ec, ring, RING_BYTES, TRACE_ALL), SUCCESS);
    drop(t.ec);
    error_t error = hc_trace_stop((word_t)ring); // or it is gone already
    CHECK(error == SUCCESS || error == EPARAM);
    u64 before = ring->written;
    rest(1000);
    CHECK_EQ(ring->written, before);
    thread_free(&t);
}

static u64 kernel_memory(void)
{
    u64 used = 0, limit;
    return hc_pd_read(SEL_PD, PD_READ_KMEM, &used, &limit) ? 0 : used;
}

// Nobody has stopped it: its ring is forgotten when its memory goes.
static void ends_with_its_thread(void)
{
    struct thread t;
    rings();
    CHECK_EQ(thread_start(&t, SEL_PD, 0, 5, mark_on, 0), SUCCESS);
    CHECK_EQ(trace(t.ec, ring, RING_BYTES, TRACE_ALL), SUCCESS);
    u64 before = kernel_memory();
    drop(t.ec);
    for (u64 until = tsc() + tsc_us(WAIT_US); kernel_memory() >= before && tsc() < until;)
        rest(1000);
    CHECK(kernel_memory() < before);
    CHECK_EQ(hc_trace_stop((word_t)ring), EPARAM);
    thread_free(&t);
}

const struct test trace_tests[] = {{"trace_wrong_arguments", wrong_arguments, 1},
                                   {"only_the_root_domain_traces", others_may_not_trace, 1},
                                   {"trace_has_each_event", events_are_recorded, 1},
                                   {"trace_has_faults", faults_are_recorded, 1},
                                   {"full_rings_overwrite_or_stop", full_rings, 1},
                                   {"trace_filters_choose", filter, 1},
                                   {"trace_ends_with_its_thread", ends_with_its_thread, 1},
                                   {"trace_stop_reaches_other_cpus", stop_reaches_other_cpus, 2},
                                   {0}};
