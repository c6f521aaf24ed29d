// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Threads (thread.h).
//
// A thread ends in two steps: thread_exit ups `done` and then waits for ever without touching its
// stack again; who joins it drops the EC and waits until the kernel has really let go of it, which
// shows in the UTCB page being gone: only then are stack and addresses free for others, whatever
// CPU the thread was on.
#include "lib/rt/thread.h"
#include "lib/rt/address.h"
#include "lib/rt/dry.h"
#include "lib/rt/locks.h"
#include "lib/rt/memory.h"
#include "lib/rt/selector.h"
#include "lib/rt/start.h"
#include "lib/rt/tsc.h"

enum { STACK_DEFAULT = 4 * PAGE_SIZE, STARTUP_STACK = PAGE_SIZE };
enum { GONE_SPINS = 1000, GONE_NAP_US = 1000, GONE_US = 60000000 };
#define BLOCK_BYTES (2 * STACK_SIZE)

error_t (*rt_sc_create)(sel_t ec, unsigned priority, u32 quantum_us, const char *name, sel_t *sc);
void (*rt_sc_destroy)(sel_t sc);
error_t (*rt_handler_show)(sel_t ec, const char *name);

struct mutex rt_thread_lock = MUTEX_INIT; // guards startup[]
static struct {
    bool ready;
    struct thread handler;
    sel_t park; // semaphore at which threads wait that have exited
} startup[MAX_CPUS];

static word_t utcb_address(const struct thread *t)
{
    return (word_t)t->block + UTCB_DISTANCE;
}

static char *stack_bottom(const struct thread *t)
{
    return t->block + STACK_SIZE - t->stack_bytes;
}

static error_t block_create(struct thread *t)
{
    if (!rt_memory_grow)
        return EMEM;
    t->block = (char *)address_alloc(BLOCK_BYTES);
    if (!t->block)
        return EMEM;
    error_t error = rt_memory_grow(stack_bottom(t), t->stack_bytes);
    if (error) {
        address_free((word_t)t->block, BLOCK_BYTES);
        t->block = NULL;
    }
    return error;
}

static void block_destroy(struct thread *t)
{
    if (!t->block || !rt_memory_release)
        return;
    rt_memory_release(stack_bottom(t), t->stack_bytes);
    address_free((word_t)t->block, BLOCK_BYTES);
}

// Waits until the kernel has unmapped the UTCB of an EC that was dropped, which its CPU does the
// next time that it is in the kernel: at once, but for a host that lets that CPU stand still. False
// if it takes unreasonably long.
static bool utcb_gone(const struct thread *t)
{
    crd_t found;
    u64 end = deadline_in_us(GONE_US);
    for (unsigned tries = 0; tries < GONE_SPINS || rdtsc() < end; tries++) {
        if (hc_lookup(crd(CRD_MEM, utcb_address(t) / PAGE_SIZE, 0, RIGHT_ALL), &found))
            return true;
        if (tries >= GONE_SPINS && startup[t->cpu].ready) // nobody ups it
            (void)!hc_sm_down(startup[t->cpu].park, deadline_in_us(GONE_NAP_US));
        else
            __builtin_ia32_pause();
    }
    return false;
}

// Everything but the scheduling context. `sp_gap`: bytes between the stack's top and the first
// stack pointer.
static error_t thread_begin(struct thread *t, unsigned cpu, size_t stack_bytes, unsigned flags,
                            size_t sp_gap)
{
    stack_bytes = stack_bytes ? ALIGN_UP(stack_bytes, PAGE_SIZE) : STACK_DEFAULT;
    *t = (struct thread){
        .ec = SEL_NONE, .sc = SEL_NONE, .done = SEL_NONE, .cpu = cpu, .stack_bytes = stack_bytes};
    if (stack_bytes > STACK_SIZE)
        return EPARAM;
    if (cpu >= hip()->cpu_count || cpu >= MAX_CPUS)
        return ECPU;
    error_t error = rt_locks_prepare();
    if (error)
        return error;
    sel_t ec = selector_alloc();
    if (ec == SEL_NONE)
        return ERESOURCE;
    error = block_create(t);
    if (!error)
        error = hc_create_ec(ec, utcb_address(t), (word_t)t->block + STACK_SIZE - sp_gap, cpu,
                             flags, rt_exception_base(cpu), SEL_PD);
    if (error) {
        block_destroy(t);
        selector_free(ec);
        return rt_refused(error);
    }
    t->ec = ec;
    struct utcb *u = (struct utcb *)utcb_address(t);
    *(struct thread_words *)u->user = (struct thread_words){.cpu = cpu, .ec = ec, .done = SEL_NONE};
    return SUCCESS;
}

void thread_destroy(struct thread *t)
{
    if (t->ec != SEL_NONE) {
        hc_drop(t->ec);
        if (utcb_gone(t)) // else the block is lost, which is better than being used twice
            block_destroy(t);
        selector_free(t->ec);
    }
    if (t->sc != SEL_NONE && rt_sc_destroy)
        rt_sc_destroy(t->sc);
    else
        selector_drop(t->sc);
    selector_drop(t->done);
    t->ec = t->sc = t->done = SEL_NONE;
    t->block = NULL;
}

error_t thread_create_handler(struct thread *thread, unsigned cpu, size_t stack_bytes)
{
    // As if called: hc_reply comes back to the same stack pointer.
    return thread_begin(thread, cpu, stack_bytes, 0, 8);
}

__attribute__((used, noreturn)) static void thread_run(void)
{
    struct thread_words *self = thread_words();
    self->function(self->argument);
    thread_exit();
}

__attribute__((naked)) static void thread_entry(void)
{
    __asm__ volatile("xorl %ebp, %ebp\n\tcall thread_run");
}

// A new thread's first exception: tells the kernel where it begins.
NORETURN static void startup_handler(word_t identity, head_t h, word_t vector, word_t mtd,
                                     word_t address, word_t error)
{
    (void)identity, (void)h, (void)vector, (void)mtd, (void)address, (void)error;
    utcb_exc(utcb())->rip = (word_t)thread_entry;
    hc_reply(head(EXC_WORDS, 0), MTD_RIP, 0, 0, 0);
}
PORTAL_RAW(startup_entry, startup_handler);

static error_t startup_create(unsigned cpu)
{
    sel_t portal = rt_exception_base(cpu) + EXC_STARTUP;
    struct thread *handler = &startup[cpu].handler;
    error_t error = thread_begin(handler, cpu, STARTUP_STACK, 0, 8);
    if (error)
        return error;
    error = semaphore_create(0, &startup[cpu].park);
    hc_drop(portal); // our copy of the parent's, which knows only our main thread
    if (!error)
        error = portal_create_at(portal, handler, startup_entry, MTD_RIP, cpu);
    if (error) {
        selector_drop(startup[cpu].park);
        thread_destroy(handler);
    }
    return error;
}

static error_t startup_ensure(unsigned cpu)
{
    error_t error = SUCCESS;
    if (cpu >= MAX_CPUS)
        return ECPU;
    mutex_lock(&rt_thread_lock);
    if (!startup[cpu].ready) {
        error = startup_create(cpu);
        startup[cpu].ready = !error;
    }
    mutex_unlock(&rt_thread_lock);
    return error;
}

error_t thread_create(struct thread *thread, unsigned cpu, unsigned priority, const char *name,
                      thread_function_t function, void *argument)
{
    if (!rt_sc_create)
        return EFEATURE;
    error_t error = startup_ensure(cpu);
    if (!error)
        error = thread_begin(thread, cpu, 0, EC_GLOBAL, 16);
    if (error)
        return error;
    error = semaphore_create(0, &thread->done);
    if (!error) {
        struct thread_words *words =
            (struct thread_words *)((struct utcb *)utcb_address(thread))->user;
        words->done = thread->done;
        words->park = startup[cpu].park;
        words->function = function;
        words->argument = argument;
        error = rt_sc_create(thread->ec, priority, QUANTUM_DEFAULT_US, name, &thread->sc);
    }
    if (error)
        thread_destroy(thread);
    return error;
}

void thread_join(struct thread *thread)
{
    while (hc_sm_down(thread->done, DEADLINE_NEVER) == ETIMEOUT)
        ;
    thread_destroy(thread);
}

// In registers to the end: once `done` is up, the stack may go at any moment. Nobody ups `park`.
void thread_exit(void)
{
    word_t done = thread_words()->done, park = thread_words()->park;
    __asm__ volatile("movl %[call], %%eax\n\t"
                     "xorl %%esi, %%esi\n\t" // SM_OP_UP
                     "syscall\n"
                     "1:\tmovl %[call], %%eax\n\t"
                     "movl %k[park], %%edi\n\t"
                     "movl $1, %%esi\n\t" // SM_OP_DOWN
                     "xorl %%edx, %%edx\n\t"
                     "syscall\n\t"
                     "pause\n\t"
                     "jmp 1b"
                     :
                     : [call] "i"(HC_sm_ctrl), "D"(done), [park] "b"(park)
                     : "memory");
    __builtin_unreachable();
}

error_t portal_create_at(sel_t sel, const struct thread *handler, portal_entry_t entry,
                         unsigned mtd, word_t identity)
{
    error_t error = hc_create_pt(sel, handler->ec, (word_t)entry, mtd, SEL_PD);
    if (error)
        return rt_refused(error);
    return hc_pt_ctrl(sel, identity);
}

error_t portal_create(const struct thread *handler, portal_entry_t entry, unsigned mtd,
                      word_t identity, sel_t *out)
{
    sel_t sel = selector_alloc();
    if (sel == SEL_NONE)
        return ERESOURCE;
    error_t error = portal_create_at(sel, handler, entry, mtd, identity);
    if (error)
        selector_drop(sel);
    else
        *out = sel;
    return error;
}

void portal_destroy(sel_t portal)
{
    selector_drop(portal);
}
