// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The examples of doc/region-maps.md on region maps.
#include "lib/core/dataspace.h"
#include "lib/core/rm.h"
#include "lib/rt/selector.h"
#include "test/system/manual/manual.h"

// doc: window begin
// The third page of a dataspace shows at HERE in the worker's space, which writes to it; then it
// is taken out, and the worker cannot.
error_t example_window(struct worker *w, u64 *written)
{
    struct rm_window third = {
        .offset = 2 * PAGE_SIZE, .bytes = PAGE_SIZE, .address = HERE, .flags = RM_WRITE};
    struct thread_exception e;
    sel_t ds;
    u64 *at;
    error_t error = memory_map(&w->pd, 4 * PAGE_SIZE, &ds, &at);
    if (!error)
        error = rm_attach(&w->pd, w->domain.space, ds, &third, NULL);
    if (!error)
        error = worker_run(w, HERE + 8, &e);
    if (error)
        return error;
    *written = at[2 * PAGE_SIZE / sizeof(*at) + 1];
    error = rm_detach(&w->pd, w->domain.space, HERE + 100); // any address inside
    if (!error)
        error = worker_run(w, HERE + 8, &e);
    return error || (e.vector == EXC_PAGE_FAULT && e.address == HERE + 8) ? error : EABORT;
}
// doc: window end

// doc: demand begin
// A dataspace of 16 pages without any memory. The worker touches one; it waits until its owner, we,
// have put memory there.
error_t example_on_demand(struct worker *w, u64 *filled)
{
    struct rm_window all = {.address = 2 * HERE, .flags = RM_WRITE}, page = {.flags = RM_WRITE};
    struct rm_fault fault = {0};
    struct thread_exception e;
    sel_t map, managed, signal, memory, thread;
    u64 *at;
    error_t error = rm_create(&w->pd, 16 * PAGE_SIZE, &map, &managed);
    if (!error)
        error = semaphore_create(0, &signal);
    if (!error)
        error = rm_signal(&w->pd, map, signal);
    if (!error)
        error = rm_attach(&w->pd, w->domain.space, managed, &all, NULL);
    if (!error)
        error = cpu_thread_create(&w->cpu, w->domain.domain, thread_cpu(), 20,
                                  UTCBS + PAGE_SIZE * w->threads++, "toucher", &thread);
    if (!error)
        error = cpu_thread_start(&w->cpu, thread, CODE, 0, 2 * HERE + 5 * PAGE_SIZE);
    if (!error)
        error = hc_sm_down(signal, DEADLINE_NEVER); // it waits for us
    if (!error)
        error = rm_next_fault(&w->pd, map, &fault);
    if (!error)
        error = memory_map(&w->pd, PAGE_SIZE, &memory, &at);
    if (!error) {
        page.address = fault.address; // in the map: the sixth page
        error = rm_attach(&w->pd, map, memory, &page, NULL);
    } // and the worker goes on
    if (!error)
        error = hc_sm_down(w->trouble, DEADLINE_NEVER);
    if (!error)
        error = cpu_next_exception(&w->cpu, w->domain.domain, &e);
    if (error)
        return error;
    *filled = at[0];
    selector_drop(e.thread);
    cpu_thread_kill(&w->cpu, thread);
    rm_destroy(&w->pd, map, managed);
    selector_drop(signal);
    return e.vector == EXC_INVALID_OPCODE ? SUCCESS : EABORT;
}
// doc: demand end
