// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What a thread of the "cpu" service does and what is in its registers (protocol.h,
// CPU_OPERATIONS): paused, resumed, stepped, read and written by whoever holds its capability.
#include "lib/rt/start.h"
#include "sigma0/cpu.h"
#include "sigma0/subjects.h"

enum { STATE_WORDS = sizeof(struct exc_state) / sizeof(word_t) };

enum thread_state subject_state(const struct subject *s)
{
    if (!s->started)
        return THREAD_NEW;
    if (s->stopped)
        return THREAD_STOPPED;
    if (s->wait.held)
        return THREAD_PAUSED;
    return list_empty(&s->wait.link) ? THREAD_RUNNING : THREAD_WAITING;
}

// A thread that was paused before its first instruction has no registers of its own yet: they are
// what START said. True if it is one; then state's ip, sp and rdi are exchanged with that.
static bool before_first(struct subject *s, unsigned write, struct exc_state *state)
{
    bool before = false;
    if (!s->domain)
        return false;
    mutex_lock(&s->domain->lock);
    if (s->started && !s->begun && s->wait.held) {
        before = true;
        s->ip = write & MTD_RIP ? state->rip : s->ip;
        s->sp = write & MTD_RSP ? state->rsp : s->sp;
        s->argument = write & MTD_GPR_BSD ? state->rdi : s->argument;
        state->rip = s->ip;
        state->rsp = s->sp;
        state->rdi = s->argument;
    }
    mutex_unlock(&s->domain->lock);
    return before;
}

// The lock of what exceptions.c and we know of a thread.
static struct domain *lock(const struct subject *s)
{
    struct domain *d = s->domain;
    if (d)
        mutex_lock(&d->lock);
    return d;
}

static void unlock(struct domain *d)
{
    if (d)
        mutex_unlock(&d->lock);
}

// Under that lock, of a paused thread: whether the end of an earlier step is under way. EBUSY: it
// is being dropped, and the answer to it writes the flags; as long as that is so, the thread has
// not come to rest.
static error_t comes_to_rest(struct subject *s, bool *trap)
{
    error_t error = fault_wait_state(&s->wait, false, 0);
    word_t vector = utcb_exc(utcb())->vector;
    if (error)
        return error == ECAP ? ENOTFOUND : error;
    *trap = !s->stopped && (vector & ~(word_t)EXC_HANDLED) == EXC_TRAP;
    s->dropping = s->dropping && *trap && vector & EXC_HANDLED;
    return s->dropping || (*trap && vector & EXC_HANDLED && s->trap_left) ? EBUSY : SUCCESS;
}

// Likewise, behind that: whether it has executed a breakpoint and is about to stop at it: its
// registers are beyond what it will be said to have reached. One that was paused before we were
// told goes on so far; of another we were told, or are just answering.
static bool comes_to_breakpoint(struct subject *s)
{
    word_t vector = utcb_exc(utcb())->vector;
    if (s->stopped || (vector & ~(word_t)EXC_HANDLED) != EXC_BREAKPOINT)
        return false;
    if (!(vector & EXC_HANDLED))
        fault_wait_hold(&s->wait, false);
    return true;
}

// Reads, or writes what lies in our UTCB.
static error_t access(struct subject *s, bool write, unsigned mtd)
{
    bool trap;
    struct domain *d = lock(s);
    error_t error = comes_to_rest(s, &trap);
    if (!error && d && comes_to_breakpoint(s))
        error = EBUSY;
    if (!error)
        error = fault_wait_state(&s->wait, write, mtd);
    unlock(d);
    return error == ECAP ? ENOTFOUND : error;
}

static error_t read_state(struct subject *s, struct msg *m)
{
    error_t error = access(s, false, MTD_ALL);
    if (error)
        return error;
    struct exc_state state = *utcb_exc(utcb());
    (void)before_first(s, 0, &state);
    state.rflags &= ~(word_t)FLAG_TRAP; // our own affair
    state.vector = s->stopped ? s->exception.vector : 0;
    state.error_code = s->stopped ? s->exception.error_code : 0;
    state.fault_address = s->stopped ? s->exception.address : 0;
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, subject_state(s));
    for (unsigned i = 0; i < STATE_WORDS; i++)
        msg_put_word(m, ((const word_t *)&state)[i]);
    return msg_error(m);
}

static error_t write_state(struct subject *s, struct msg *m)
{
    struct exc_state state;
    word_t mtd = msg_get_word(m);
    for (unsigned i = 0; i < STATE_WORDS; i++)
        ((word_t *)&state)[i] = msg_get_word(m);
    if (msg_error(m))
        return EPROTO;
    if (mtd & ~(word_t)MTD_ALL)
        return EPARAM;
    state.rflags &= ~(word_t)FLAG_TRAP; // STEP sets it
    if ((mtd & MTD_RIP && state.rip >= USER_END) || (mtd & MTD_RSP && state.rsp > USER_END))
        return EPARAM;
    *utcb_exc(utcb()) = state;
    error_t error = access(s, true, (unsigned)mtd);
    if (!error)
        (void)before_first(s, (unsigned)mtd, &state);
    return error ? error : server_done(m);
}

static error_t read_fpu(struct subject *s, struct msg *m)
{
    error_t error = fault_wait_state(&s->wait, false, MTD_FPU);
    if (error)
        return error == ECAP ? ENOTFOUND : error;
    struct fpu_state state = *utcb_fpu(utcb());
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    for (unsigned i = 0; i < ARRAY_SIZE(state.words); i++)
        msg_put_word(m, state.words[i]);
    return msg_error(m);
}

static error_t write_fpu(struct subject *s, struct msg *m)
{
    struct fpu_state state;
    for (unsigned i = 0; i < ARRAY_SIZE(state.words); i++)
        state.words[i] = msg_get_word(m);
    if (msg_error(m))
        return EPROTO;
    *utcb_fpu(utcb()) = state;
    error_t error = fault_wait_state(&s->wait, true, MTD_FPU);
    return error ? error == ECAP ? ENOTFOUND : error : server_done(m);
}

// Under the lock: sets or clears the trap flag of a paused thread; *trap as above.
static error_t set_flag(struct subject *s, bool set, bool *trap)
{
    error_t error = comes_to_rest(s, trap);
    if (!error)
        error = fault_wait_state(&s->wait, false, MTD_RFLAGS);
    if (error)
        return error == ECAP ? ENOTFOUND : error;
    struct exc_state *state = utcb_exc(utcb());
    state->rflags = set ? state->rflags | FLAG_TRAP : state->rflags & ~(word_t)FLAG_TRAP;
    error = fault_wait_state(&s->wait, true, MTD_RFLAGS);
    return error == ECAP ? ENOTFOUND : error;
}

// Under the lock. The end of a step that nobody waits for any more is dropped when it comes
// (exceptions.c): one under way, and that of one which was not at rest (`left`) and keeps its trap
// flag until then.
static void let_go(struct subject *s, bool steps, bool left)
{
    list_remove(&s->in_events);
    s->stepping = steps;
    s->trap_left = left;
    s->stopped = false;
    fault_wait_hold(&s->wait, false);
}

static error_t resume(struct subject *s, struct msg *m)
{
    bool trap = false;
    struct domain *d = lock(s);
    error_t error = s->stepping || s->trap_left ? set_flag(s, false, &trap) : SUCCESS;
    if (!error || error == EBUSY)
        let_go(s, false, trap || error == EBUSY);
    unlock(d);
    return error && error != EBUSY ? error : server_done(m);
}

static error_t step(struct subject *s, struct msg *m)
{
    bool trap = false;
    struct domain *d = lock(s);
    error_t error = set_flag(s, true, &trap);
    if (!error)
        let_go(s, true, trap);
    unlock(d);
    return error ? error : server_done(m);
}

error_t thread_state_dispatch(struct subject *s, word_t operation, struct msg *m)
{
    switch (operation) {
    case CPU_PAUSE: fault_wait_hold(&s->wait, true); return server_done(m);
    case CPU_RESUME: return resume(s, m);
    case CPU_STEP: return step(s, m);
    case CPU_READ_STATE: return read_state(s, m);
    case CPU_WRITE_STATE: return write_state(s, m);
    case CPU_READ_FPU: return read_fpu(s, m);
    case CPU_WRITE_FPU: return write_fpu(s, m);
    default: return EPROTO;
    }
}
