// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What one event costs the thread that is traced, and what is left of it afterwards: a call with
// its answer, before, while and after it is traced. The dearest of three ways is reported: both
// sides traced (four events), the caller alone (two), a mark of its own (one).
#include "lib/core/trace.h"
#include "lib/service/env.h"
#include "test/system/bench.h"
#include "test/system/bench_core/bench_core.h"

enum { EVENTS_BOTH = 4, EVENTS_CALLER = 2 };

static struct thread handler;
static sel_t portal;
static struct service_client session;
static struct trace_buffer rings[2];

NORETURN static void answer(word_t identity, head_t h, word_t w0, word_t w1, word_t w2, word_t w3)
{
    (void)identity, (void)h, (void)w0, (void)w1, (void)w2, (void)w3;
    hc_reply0();
}
PORTAL_RAW(answer_entry, answer);

static bool find(const struct trace_subject *s, void *context)
{
    u64 *ids = context;
    if (!strcmp(s->name, "caller"))
        ids[0] = s->id;
    if (!strcmp(s->name, "handler"))
        ids[1] = s->id;
    return true;
}

// The cost of a call with its answer, the same every time.
static u64 call_cost(void)
{
    u64 cost = 0;
    for (unsigned i = 0; i < WARM; i++) {
        u64 begin = rdtsc();
        must(hc_call0(portal), "call");
        cost = rdtsc() - begin;
    }
    return cost;
}

static u64 mark_cost(void)
{
    u64 cost = 0;
    for (unsigned i = 0; i < WARM; i++) {
        u64 begin = rdtsc();
        trace_mark(1, 2);
        cost = rdtsc() - begin;
    }
    return cost;
}

static u64 larger(u64 a, u64 b)
{
    return a > b ? a : b;
}

static void enable(u64 id, unsigned ring)
{
    struct trace_wish wish = {TRACE_ALL, 0};
    must(trace_enable_buffer(&session, id, &rings[ring], wish), "enable");
}

static void measure(void *unused)
{
    u64 ids[2] = {0}, on = 0;
    (void)unused;
    must(trace_visit(&session, find, ids), "subjects");
    u64 call = call_cost(), mark = mark_cost();
    enable(ids[0], 0);
    on = larger(on, (call_cost() - call + EVENTS_CALLER - 1) / EVENTS_CALLER);
    on = larger(on, mark_cost() - mark);
    enable(ids[1], 1);
    on = larger(on, (call_cost() - call + EVENTS_BOTH - 1) / EVENTS_BOTH);
    if (rings[0].reader.ring->written < 3 * WARM || rings[1].reader.ring->written < 2 * WARM)
        print("bench: FAIL events\n");
    must(trace_disable(&session, ids[0]), "disable");
    must(trace_disable(&session, ids[1]), "disable");
    samples[0] = on;
    report("trace_event_on", 1);
    u64 after = larger(call_cost() - call, mark_cost() - mark);
    samples[0] = after;
    report("trace_event_off", 1);
}

void traces(void)
{
    struct thread caller;
    must(trace_init(&session, 2), "session");
    for (unsigned i = 0; i < 2; i++)
        must(trace_buffer_create(&rings[i], 100), "ring");
    must(thread_create_handler(&handler, 0, 0), "handler");
    must(portal_create(&handler, answer_entry, 0, 0, &portal), "portal");
    must(env_handler(handler.ec, "handler"), "handler");
    must(thread_create(&caller, 0, 100, "caller", measure, NULL), "thread");
    thread_join(&caller);
    service_close(&session);
}
