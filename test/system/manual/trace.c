// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The example of doc/trace.md.
#include "lib/core/trace.h"
#include "lib/rt/selector.h"
#include "lib/rt/string.h"
#include "test/system/manual/manual.h"

// doc: trace begin
struct bakery {
    sel_t opens, oven;
};

// A thread of our own, which says where it is, as soon as somebody looks.
static void baker(void *where)
{
    const struct bakery *bakery = where;
    if (hc_sm_down(bakery->opens, DEADLINE_NEVER))
        return;
    for (word_t loaf = 1; loaf <= 3; loaf++) {
        trace_mark(0xb4ead, loaf);
        hc_sm_up(bakery->oven);
    }
}

static bool is_baker(const struct trace_subject *s, void *id)
{
    if (!strcmp(s->name, "baker"))
        *(u64 *)id = s->id;
    return true;
}

// Traces it from its beginning to its end, and counts what it did.
error_t example_trace(sel_t oven, u64 *loaves, u64 *signals)
{
    struct service_client trace;
    struct trace_buffer ring;
    struct trace_record record;
    struct bakery bakery = {.oven = oven};
    struct thread thread;
    u64 id = 0;
    error_t error = trace_init(&trace, 1);
    if (!error)
        error = trace_buffer_create(&ring, 1000);
    if (!error)
        error = semaphore_create(0, &bakery.opens);
    if (!error)
        error = thread_create(&thread, thread_cpu(), 1, "baker", baker, &bakery);
    if (!error)
        error = trace_visit(&trace, is_baker, &id);
    if (!error) // nothing that it does but these two is recorded
        error = trace_enable_buffer(&trace, id, &ring,
                                    (struct trace_wish){TRACE_MASK(MARK) | TRACE_MASK(SIGNAL), 0});
    if (error)
        return error;
    hc_sm_up(bakery.opens);
    thread_join(&thread); // with the thread its tracing ends; the records stay
    *loaves = *signals = 0;
    while (trace_read(&ring.reader, &record, 1)) {
        *loaves += record.event == TRACE_MARK && record.first == 0xb4ead;
        *signals += record.event == TRACE_SIGNAL && record.first == oven;
    }
    trace_buffer_destroy(&ring);
    service_close(&trace);
    selector_drop(bakery.opens);
    return SUCCESS;
}
// doc: trace end
