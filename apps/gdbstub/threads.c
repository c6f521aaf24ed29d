// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The program's threads: stopping all of them, letting them go, what stopped them (target.h). The
// program goes on making threads until the last one stands still, so they are listed until no new
// one appears. An exception is known by the thread's state; the domain's queue of events only wakes
// us.
#include "apps/gdbstub/target.h"
#include "lib/rt/print.h"
#include "lib/rt/selector.h"
#include "lib/rt/string.h"
#include "lib/rt/sync.h"
#include "lib/rt/tsc.h"

enum { LOOK_US = 1000, ROUNDS_MAX = 64 };
// How long is waited until a thread stands still, and one that did not when it was waited for last.
// gdb waits two seconds for an answer.
enum { REST_US = 1500000, CALL_US = 100000 };

static struct service_client *cpu(void)
{
    return &target.program.cpu;
}

void pause_us(u64 us)
{
    static sel_t never = SEL_NONE;
    if (never == SEL_NONE && semaphore_create(0, &never))
        return;
    (void)!hc_sm_down(never, deadline_in_us(us));
}

struct debugged_thread *thread_by_number(u64 number)
{
    for (unsigned i = 0; i < target.threads; i++) {
        if (target.thread[i].number == number)
            return &target.thread[i];
    }
    return NULL;
}

static void enter(const struct thread_entry *e)
{
    if (target.threads == THREADS_MAX) {
        print("gdbstub: more than %u threads; \"%s\" runs on unseen\n", THREADS_MAX, e->name);
        selector_drop(e->thread);
        return;
    }
    struct debugged_thread *t = &target.thread[target.threads++];
    *t = (struct debugged_thread){
        .number = e->number, .sel = e->thread, .cpu = e->cpu, .handler = !e->priority};
    strlcpy(t->name, *e->name ? e->name : "main", sizeof(t->name));
}

// Brings the list up to date. The program's threads come in the order of their numbers, as ours
// are.
static void list(void)
{
    struct thread_entry e;
    unsigned at = 0;
    u64 after = 0;
    while (!cpu_next_thread(cpu(), target.program.domain.domain, after, &e)) {
        after = e.number;
        while (at < target.threads && target.thread[at].number < e.number) { // it has ended
            selector_drop(target.thread[at].sel);
            memmove(&target.thread[at], &target.thread[at + 1],
                    (--target.threads - at) * sizeof(target.thread[0]));
        }
        if (at < target.threads && target.thread[at].number == e.number)
            selector_drop(e.thread);
        else
            enter(&e);
        at++;
    }
    while (target.threads > at)
        selector_drop(target.thread[--target.threads].sel);
}

// A breakpoint's thread stands behind it: it is put back onto it, so that it executes what belongs
// there.
static void note_exception(struct debugged_thread *t, struct exc_state *state)
{
    t->faulted = t->pending = true;
    t->vector = state->vector;
    t->breakpoint = state->vector == 3 && breakpoint_is_set(state->rip - 1);
    if (!t->breakpoint)
        return;
    state->rip--;
    if (cpu_thread_write(cpu(), t->sel, MTD_RIP, state))
        t->rests = false;
}

static bool comes_to_rest(struct debugged_thread *t)
{
    enum thread_state what;
    struct exc_state state;
    error_t error = cpu_thread_read(cpu(), t->sel, &what, &state);
    if (error)
        return error != EBUSY;
    t->rests = true;
    if (what == THREAD_STOPPED && !t->faulted)
        note_exception(t, &state);
    return true;
}

// Pauses what is not paused; true if there was any.
static bool hold_all(void)
{
    bool any = false;
    list();
    for (unsigned i = 0; i < target.threads; i++) {
        struct debugged_thread *t = &target.thread[i];
        if (t->held)
            continue;
        any = t->held = true;
        (void)!cpu_thread_pause(cpu(), t->sel);
    }
    return any;
}

// Looks at all; whether none is waited for any more.
static bool enough_rest(u64 waited_us)
{
    bool enough = true;
    for (unsigned i = 0; i < target.threads; i++) {
        struct debugged_thread *t = &target.thread[i];
        if (!t->rests && !comes_to_rest(t) && waited_us < (t->calls ? CALL_US : REST_US))
            enough = false;
    }
    return enough;
}

static void await_rest(void)
{
    u64 begin = rdtsc();
    while (!enough_rest(tsc_to_us(rdtsc() - begin)))
        pause_us(LOOK_US);
    for (unsigned i = 0; i < target.threads; i++)
        target.thread[i].calls = !target.thread[i].rests;
}

void threads_stop(void)
{
    for (unsigned round = 0; round < ROUNDS_MAX && hold_all(); round++)
        await_rest();
    target.running = false;
}

void thread_go(struct debugged_thread *t, bool step)
{
    t->held = t->rests = t->faulted = t->pending = t->breakpoint = false;
    target.running = true;
    if (step && !cpu_thread_step(cpu(), t->sel))
        return;
    (void)!cpu_thread_resume(cpu(), t->sel);
}

// One that was not waited for any longer may have come to rest since.
static bool is_at_rest(struct debugged_thread *t)
{
    return t->held && (t->rests || comes_to_rest(t)) && t->rests;
}

error_t thread_registers(struct debugged_thread *t, bool write, unsigned mtd,
                         struct exc_state *state)
{
    enum thread_state what;
    if (!is_at_rest(t))
        return EBUSY;
    return write ? cpu_thread_write(cpu(), t->sel, mtd, state)
                 : cpu_thread_read(cpu(), t->sel, &what, state);
}

// A call of gdb's in the program writes all registers back, also those of a thread that never used
// the FPU and has no place for them: it has them already.
error_t thread_fpu(struct debugged_thread *t, bool write, struct fpu_state *state)
{
    struct fpu_state now;
    if (!is_at_rest(t))
        return EBUSY;
    if (!write)
        return cpu_thread_read_fpu(cpu(), t->sel, state);
    error_t error = cpu_thread_write_fpu(cpu(), t->sel, state);
    if (error == EFEATURE && !cpu_thread_read_fpu(cpu(), t->sel, &now) &&
        !memcmp(&now, state, sizeof(now)))
        error = SUCCESS;
    return error;
}

// A step in a range that did not leave it is none that gdb wants to hear of.
static bool steps_on(struct debugged_thread *t)
{
    enum { STEPPED = 1 };
    struct exc_state state;
    return target.attached && t->vector == STEPPED &&
           !thread_registers(t, false, MTD_RIP, &state) &&
           gdb_steps_on(&target.gdb, t->number, state.rip);
}

static unsigned signal_of(word_t vector)
{
    switch (vector) {
    case 0:
    case 16:
    case 19: return GDB_SIGNAL_FPE;
    case 6: return GDB_SIGNAL_ILL;
    case 13:
    case EXC_PAGE_FAULT: return GDB_SIGNAL_SEGV;
    case 17: return GDB_SIGNAL_BUS;
    default: return GDB_SIGNAL_TRAP;
    }
}

bool threads_report(void)
{
    for (unsigned i = 0; i < target.threads; i++) {
        struct debugged_thread *t = &target.thread[i];
        if (!t->pending)
            continue;
        t->pending = false;
        if (steps_on(t))
            continue;
        gdb_stopped(&target.gdb, &(struct gdb_stop){GDB_STOPPED, signal_of(t->vector), t->number,
                                                    t->cpu, t->breakpoint});
        return true;
    }
    return false;
}
