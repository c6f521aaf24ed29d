// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The examples of doc/threads.md.
#include "lib/core/rm.h"
#include "lib/rt/selector.h"
#include "lib/rt/tsc.h"
#include "test/system/manual/manual.h"

// doc: run begin
// Runs the worker's code with an argument until an exception stops it, and tells which.
error_t worker_run(struct worker *w, word_t argument, struct thread_exception *e)
{
    sel_t thread;
    error_t error = cpu_thread_create(&w->cpu, w->domain.domain, thread_cpu(), 20,
                                      UTCBS + PAGE_SIZE * w->threads++, "worker", &thread);
    if (error)
        return error;
    error = cpu_thread_start(&w->cpu, thread, CODE, 0, argument);
    if (!error)
        error = hc_sm_down(w->trouble, DEADLINE_NEVER);
    if (!error)
        error = cpu_next_exception(&w->cpu, w->domain.domain, e);
    if (!error)
        selector_drop(e->thread); // the same thread, by another capability
    cpu_thread_kill(&w->cpu, thread);
    return error;
}
// doc: run end

// doc: registers begin
// A thread that runs in a circle is paused, gets another argument and another place to go on, and
// is let go.
error_t example_registers(struct worker *w, u64 *written)
{
    enum { CIRCLE = 5 }; // where in the worker's code
    struct rm_window here = {.address = 3 * HERE, .flags = RM_WRITE};
    enum thread_state what;
    struct exc_state state;
    sel_t thread, ds;
    u64 *at;
    error_t error = memory_map(&w->pd, PAGE_SIZE, &ds, &at);
    if (!error)
        error = rm_attach(&w->pd, w->domain.space, ds, &here, NULL);
    if (!error)
        error = cpu_thread_create(&w->cpu, w->domain.domain, thread_cpu(), 10,
                                  UTCBS + PAGE_SIZE * w->threads++, "circles", &thread);
    if (!error)
        error = cpu_thread_start(&w->cpu, thread, CODE + CIRCLE, 0, 0);
    if (!error)
        error = cpu_thread_pause(&w->cpu, thread);
    if (error)
        return error;
    while ((error = cpu_thread_read(&w->cpu, thread, &what, &state)) == EBUSY)
        (void)!hc_sm_down(w->trouble, deadline_in_us(100)); // until it has come to rest
    state.rdi = 3 * HERE + 16;
    state.rip = CODE;
    if (!error)
        error = cpu_thread_write(&w->cpu, thread, MTD_RIP | MTD_GPR_BSD, &state);
    if (!error)
        error = cpu_thread_resume(&w->cpu, thread);
    if (!error)
        error = hc_sm_down(w->trouble, DEADLINE_NEVER); // it has come to the end of its code
    if (!error)
        error = cpu_thread_read(&w->cpu, thread, &what, &state);
    *written = at[2];
    cpu_thread_kill(&w->cpu, thread);
    return error || (what == THREAD_STOPPED && state.rip == CODE + 3) ? error : EABORT;
}
// doc: registers end
