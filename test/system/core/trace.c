// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Event tracing (doc/trace.md): a thread and a handler of a component "traced", which do what they
// are told to, looked at by sessions with several places in the tree.
#include "lib/core/trace.h"
#include "lib/core/rm.h"
#include "lib/rt/selector.h"
#include "lib/rt/start.h"
#include "lib/rt/string.h"
#include "lib/rt/tsc.h"
#include "lib/service/env.h"
#include "test/system/check.h"
#include "test/system/core/trace.h"
#include "test/system/wait.h"

enum { IDENTITY = 0x1dea, QUESTION = 77, ANSWER = 78, LOOKS = 200000 };

static struct {
    struct service_client cpu, trace; // "init -> traced", and who sees all of "init"
    struct thread worker, handler;
    sel_t portal, go, done, other;
    u64 id, handler_id;
    volatile bool busy, end;
    volatile u64 rounds;
} w;

static error_t worker_sc(sel_t ec, unsigned priority, u32 quantum_us, const char *name, sel_t *sc)
{
    return sc_create_in(&w.cpu, ec, priority, quantum_us, 0, 0, name, sc);
}

static void worker_sc_destroy(sel_t sc)
{
    sc_destroy_in(&w.cpu, sc);
}

NORETURN static void answer(word_t identity, head_t h, word_t w0, word_t w1, word_t w2, word_t w3)
{
    (void)identity, (void)h, (void)w1, (void)w2, (void)w3;
    hc_reply(head(1, 0), w0 + 1, 0, 0, 0);
}
PORTAL_RAW(answer_entry, answer);

static void work(void *unused)
{
    (void)unused;
    while (!hc_sm_down(w.go, DEADLINE_NEVER) && !w.end) {
        do {
            head_t h = head(1, 0);
            word_t words[4] = {QUESTION};
            trace_mark(0x11, 0x22);
            hc_sm_up(w.other);
            (void)!hc_call(w.portal, &h, words);
            w.rounds++;
        } while (w.busy);
        hc_sm_up(w.done);
    }
}

static bool round(void)
{
    return !hc_sm_up(w.go) && !hc_sm_down(w.done, deadline_in_us(PATIENCE_US));
}

static bool compare(const struct trace_subject *s, void *context)
{
    struct search *search = context;
    if (!strcmp(s->label, search->label) && !strcmp(s->name, search->name)) {
        search->found = *s;
        search->count++;
    }
    return true;
}

struct search look(struct service_client *trace, const char *label, const char *name)
{
    struct search search = {.label = label, .name = name};
    if (trace_visit(trace, compare, &search))
        search.count = 99;
    return search;
}

static error_t open_worker(void)
{
    error_t (*create)(sel_t, unsigned, u32, const char *, sel_t *) = rt_sc_create;
    struct service_quota some = {8192, 16};
    unsigned last = hip()->cpu_count - 1;
    w.busy = w.end = false;
    error_t error = service_init(&w.cpu, "cpu", "traced", "20", some);
    if (!error)
        error = trace_init(&w.trace, 4);
    if (!error)
        error = semaphore_create(0, &w.go);
    if (!error)
        error = semaphore_create(0, &w.done);
    if (!error)
        error = semaphore_create(0, &w.other);
    if (!error)
        error = thread_create_handler(&w.handler, last, 0);
    if (!error)
        error = portal_create(&w.handler, answer_entry, 0, IDENTITY, &w.portal);
    if (!error)
        error = env_handler(w.handler.ec, "handler");
    rt_sc_create = worker_sc;
    if (!error)
        error = thread_create(&w.worker, last, 20, "worker", work, NULL);
    rt_sc_create = create;
    w.id = look(&w.trace, "init -> traced", "worker").found.id;
    w.handler_id = look(&w.trace, "init", "handler").found.id;
    return error;
}

static void close_worker(void)
{
    void (*destroy)(sel_t) = rt_sc_destroy;
    if (!w.end) {
        w.busy = false;
        w.end = true;
        hc_sm_up(w.go);
        rt_sc_destroy = worker_sc_destroy;
        thread_join(&w.worker);
        rt_sc_destroy = destroy;
    }
    portal_destroy(w.portal);
    thread_destroy(&w.handler);
    selector_drop(w.go);
    selector_drop(w.done);
    selector_drop(w.other);
    service_close(&w.trace);
    service_close(&w.cpu);
}

// Reads records until there are `count`, or for too long.
static unsigned read_all(struct trace_buffer *b, struct trace_record *out, unsigned count)
{
    unsigned got = 0;
    for (u64 deadline = deadline_in_us(PATIENCE_US); got < count && rdtsc() < deadline;) {
        got += trace_read(&b->reader, out + got, count - got);
        if (got < count)
            (void)!hc_sm_down(w.done, deadline_in_us(100)); // lets it run where there is one CPU
    }
    return got;
}

static bool is(const struct trace_record *r, enum trace_event event, u64 first, u64 second)
{
    if (r->event == event && r->first == first && r->second == second)
        return true;
    print("  found %s(%lu, %lu), expected %s(%lu, %lu)\n", trace_event_name(r->event), r->first,
          r->second, trace_event_name(event), first, second);
    return false;
}

static struct trace_wish wish(u32 word)
{
    return (struct trace_wish){word, 0};
}

static void subjects_are_those_of_the_sub_tree(void)
{
    static const struct {
        const char *label;
        bool worker, handler;
    } places[] = {{"traced", true, false},
                  {"trace", false, false},
                  {"traced -> x", false, false},
                  {"tracedx", false, false},
                  {"", true, true}};
    struct trace_buffer b;
    CHECK_EQ(open_worker(), SUCCESS);
    CHECK_EQ(trace_buffer_create(&b, 16), SUCCESS);
    for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
        struct service_client c;
        struct trace_subject s;
        CHECK_EQ(service_init(&c, "trace", places[i].label, "", (struct service_quota){4096, 8}),
                 SUCCESS);
        struct search found = look(&c, "init -> traced", "worker");
        CHECK_EQ(found.count, places[i].worker);
        CHECK_EQ(look(&c, "init", "handler").count, places[i].handler);
        CHECK_EQ(trace_info(&c, w.id, &s), places[i].worker ? SUCCESS : ENOTFOUND);
        CHECK_EQ(trace_info(&c, w.handler_id, &s), places[i].handler ? SUCCESS : ENOTFOUND);
        CHECK_EQ(trace_enable_buffer(&c, w.id, &b, wish(TRACE_ALL)),
                 places[i].worker ? SUCCESS : ENOTFOUND);
        service_close(&c);
    }
    struct search s = look(&w.trace, "init -> traced", "worker");
    CHECK_EQ(s.found.cpu, hip()->cpu_count - 1);
    CHECK_EQ(s.found.priority, 20);
    CHECK_EQ(s.found.state, THREAD_RUNNING);
    CHECK_EQ(s.found.status, TRACE_STATUS_OFF);
    CHECK_EQ(look(&w.trace, "init", "handler").found.priority, 0);
    trace_buffer_destroy(&b);
    close_worker();
}

static void events_arrive_with_their_fields(void)
{
    struct trace_buffer b, of_handler;
    struct trace_record r[8], h[2];
    CHECK_EQ(open_worker(), SUCCESS);
    CHECK_EQ(trace_buffer_create(&b, 64), SUCCESS);
    CHECK_EQ(trace_buffer_create(&of_handler, 64), SUCCESS);
    CHECK(round()); // then it waits
    CHECK_EQ(trace_enable_buffer(&w.trace, w.id, &b, wish(TRACE_ALL)), SUCCESS);
    CHECK_EQ(trace_enable_buffer(&w.trace, w.handler_id, &of_handler, wish(TRACE_ALL)), SUCCESS);
    CHECK(round());
    unsigned n = read_all(&b, r, 7), last = hip()->cpu_count - 1;
    CHECK_EQ(n, 7);
    unsigned i = 0;
    if (r[0].event == TRACE_WAIT) { // it had not come so far yet
        CHECK_EQ(read_all(&b, &r[7], 1), 1);
        i = 1;
    }
    CHECK(is(&r[i], TRACE_WAKE, SUCCESS, 1));
    CHECK(is(&r[i + 1], TRACE_MARK, 0x11, 0x22));
    CHECK(is(&r[i + 2], TRACE_SIGNAL, w.other, w.rounds));
    CHECK(is(&r[i + 3], TRACE_CALL, w.portal, QUESTION));
    CHECK(is(&r[i + 4], TRACE_RETURN, ANSWER, SUCCESS));
    CHECK(r[i + 5].event == TRACE_SIGNAL && r[i + 5].first == w.done);
    CHECK(is(&r[i + 6], TRACE_WAIT, w.go, SM_OP_DOWN));
    for (unsigned k = 0; k < 7; k++) {
        CHECK_EQ(r[k].cpu, last);
        CHECK(!k || r[k].tsc > r[k - 1].tsc);
    }
    CHECK_EQ(read_all(&of_handler, h, 2), 2);
    CHECK(is(&h[0], TRACE_DISPATCH, IDENTITY, QUESTION));
    CHECK(is(&h[1], TRACE_REPLY, ANSWER, head(1, 0)));
    CHECK(h[0].tsc > r[i + 3].tsc && h[1].tsc > h[0].tsc && r[i + 4].tsc > h[1].tsc);
    trace_buffer_destroy(&b);
    trace_buffer_destroy(&of_handler);
    close_worker();
}

static bool all_are(const struct trace_buffer *b, u32 event, u64 first)
{
    for (u64 n = 0; n < b->reader.ring->written; n++) {
        const struct trace_record *r = &b->reader.ring->record[n & (b->reader.ring->capacity - 1)];
        if (r->event != event || r->first != first)
            return false;
    }
    return true;
}

// Events, filter, full ring; changed while the thread runs on.
static void policy_is_the_tracers(void)
{
    struct trace_buffer b;
    struct trace_record r[4];
    CHECK_EQ(open_worker(), SUCCESS);
    CHECK_EQ(trace_buffer_create(&b, 4), SUCCESS);
    volatile struct trace_ring *ring = b.reader.ring;
    CHECK_EQ(trace_enable(&w.trace, w.id, b.ds, 0, sizeof(*ring) + 4 * sizeof(r[0]),
                          wish(TRACE_MASK(MARK))),
             SUCCESS);
    CHECK_EQ(ring->capacity, 4);
    for (unsigned i = 0; i < 9; i++)
        CHECK(round());
    CHECK_EQ(ring->written, 9); // the oldest are gone
    CHECK(all_are(&b, TRACE_MARK, 0x11));
    CHECK_EQ(trace_read(&b.reader, r, 4), 3);
    CHECK_EQ(b.reader.lost, 6);
    CHECK_EQ(trace_policy(&w.trace, w.id, wish(TRACE_MASK(MARK) | TRACE_STOP)), SUCCESS);
    b.reader.stops = true;
    CHECK_EQ(trace_read(&b.reader, r, 4), 0); // raises `read`
    for (unsigned i = 0; i < 6; i++)
        CHECK(round());
    CHECK_EQ(ring->written, 13);
    CHECK_EQ(ring->lost, 2);
    CHECK_EQ(trace_read(&b.reader, r, 4), 4);
    CHECK_EQ(b.reader.lost, 6);
    CHECK(round());
    CHECK_EQ(ring->written, 14);
    CHECK_EQ(trace_disable(&w.trace, w.id), SUCCESS);
    struct trace_wish only = {TRACE_MASK(SIGNAL) | TRACE_MASK(RETURN) | TRACE_ONLY_FIRST, w.other};
    CHECK_EQ(trace_enable_buffer(&w.trace, w.id, &b, only), SUCCESS);
    CHECK(round() && round());
    CHECK_EQ(ring->written, 2); // nor the returns of calls to other portals
    CHECK(all_are(&b, TRACE_SIGNAL, w.other));
    only.filter = w.portal;
    CHECK_EQ(trace_policy(&w.trace, w.id, only), SUCCESS);
    CHECK(round());
    CHECK_EQ(ring->written, 3);
    CHECK_EQ(ring->record[2].event, TRACE_RETURN);
    trace_buffer_destroy(&b);
    close_worker();
}

static enum trace_status status(u64 id)
{
    struct trace_subject s = {0};
    return trace_info(&w.trace, id, &s) ? (enum trace_status)99 : s.status;
}

static void tracing_starts_and_stops_at_run_time(void)
{
    struct trace_buffer b, elsewhere;
    struct service_client second;
    CHECK_EQ(open_worker(), SUCCESS);
    CHECK_EQ(trace_buffer_create(&b, 1024), SUCCESS);
    CHECK_EQ(trace_buffer_create(&elsewhere, 16), SUCCESS);
    CHECK_EQ(trace_init(&second, 1), SUCCESS);
    volatile struct trace_ring *ring = b.reader.ring;
    CHECK_EQ(trace_pause(&w.trace, w.id), ENOTFOUND);
    CHECK(round());
    CHECK_EQ(trace_enable_buffer(&w.trace, w.id, &b, wish(TRACE_MASK(MARK))), SUCCESS);
    CHECK_EQ(status(w.id), TRACE_STATUS_MINE);
    CHECK_EQ(trace_enable_buffer(&w.trace, w.id, &b, wish(TRACE_ALL)), EINUSE);
    CHECK_EQ(trace_enable_buffer(&second, w.id, &b, wish(TRACE_ALL)), EINUSE);
    CHECK_EQ(trace_enable_buffer(&second, w.id, &elsewhere, wish(TRACE_ALL)), EINUSE);
    CHECK_EQ(trace_enable_buffer(&second, w.handler_id, &b, wish(TRACE_ALL)), EINUSE); // its place
    CHECK_EQ(trace_disable(&second, w.id), ENOTFOUND);
    struct trace_subject s;
    CHECK_EQ(trace_info(&second, w.id, &s), SUCCESS);
    CHECK_EQ(s.status, TRACE_STATUS_OTHERS);
    CHECK(round());
    CHECK_EQ(ring->written, 1);
    CHECK_EQ(trace_pause(&w.trace, w.id), SUCCESS);
    CHECK_EQ(status(w.id), TRACE_STATUS_PAUSED);
    CHECK(round());
    CHECK_EQ(ring->written, 1);
    CHECK_EQ(trace_resume(&w.trace, w.id), SUCCESS);
    CHECK(round());
    CHECK_EQ(ring->written, 2);
    CHECK_EQ(trace_disable(&w.trace, w.id), SUCCESS);
    CHECK_EQ(status(w.id), TRACE_STATUS_OFF);
    CHECK(round());
    CHECK_EQ(ring->written, 2);
    // Again and again, while it runs.
    w.busy = true;
    hc_sm_up(w.go);
    for (unsigned i = 0; i < 100; i++) {
        CHECK_EQ(trace_enable_buffer(&w.trace, w.id, &b, wish(TRACE_ALL)), SUCCESS);
        CHECK_EQ(trace_disable(&w.trace, w.id), SUCCESS);
        u64 before = ring->written, rounds = w.rounds;
        for (unsigned k = 0; k < LOOKS && w.rounds == rounds; k++)
            __builtin_ia32_pause();
        CHECK_EQ(ring->written, before);
    }
    service_close(&second);
    trace_buffer_destroy(&elsewhere);
    trace_buffer_destroy(&b);
    close_worker();
}

// Each tracing of a session is paused, changed and ended by itself; what was wished for last holds.
static void tracings_are_changed_one_by_one(void)
{
    struct trace_buffer b, other;
    CHECK_EQ(open_worker(), SUCCESS);
    CHECK_EQ(trace_buffer_create(&b, 64), SUCCESS);
    CHECK_EQ(trace_buffer_create(&other, 64), SUCCESS);
    volatile struct trace_ring *ring = b.reader.ring, *second = other.reader.ring;
    CHECK_EQ(trace_enable_buffer(&w.trace, w.id, &b, wish(TRACE_MASK(MARK))), SUCCESS);
    CHECK_EQ(trace_enable_buffer(&w.trace, w.handler_id, &other, wish(TRACE_MASK(DISPATCH))),
             SUCCESS);
    CHECK(round() && ring->written == 1 && second->written == 1);
    CHECK_EQ(trace_pause(&w.trace, w.handler_id), SUCCESS);
    CHECK_EQ(status(w.id), TRACE_STATUS_MINE);
    CHECK_EQ(status(w.handler_id), TRACE_STATUS_PAUSED);
    CHECK_EQ(trace_policy(&w.trace, w.handler_id, wish(TRACE_MASK(REPLY))), SUCCESS);
    CHECK_EQ(status(w.handler_id), TRACE_STATUS_PAUSED);
    CHECK(round() && ring->written == 2 && second->written == 1);
    for (unsigned i = 1; i <= 2; i++) { // also when it is paused once more
        CHECK_EQ(trace_resume(&w.trace, w.handler_id), SUCCESS);
        CHECK(round() && second->written == 1 + i);
        CHECK_EQ(second->record[i].event, TRACE_REPLY);
        CHECK_EQ(trace_pause(&w.trace, w.handler_id), SUCCESS);
    }
    struct trace_wish only = {TRACE_MASK(SIGNAL) | TRACE_ONLY_FIRST, w.other};
    CHECK_EQ(trace_policy(&w.trace, w.id, only), SUCCESS);
    CHECK_EQ(trace_pause(&w.trace, w.id), SUCCESS);
    CHECK_EQ(trace_resume(&w.trace, w.id), SUCCESS);
    CHECK(round() && ring->written == 5);
    CHECK(ring->record[4].event == TRACE_SIGNAL && ring->record[4].first == w.other);
    CHECK_EQ(trace_policy(&w.trace, w.id, wish(~(u32)TRACE_POLICY_VALID)), EPARAM);
    trace_buffer_destroy(&other); // the second one's memory
    CHECK_EQ(status(w.handler_id), TRACE_STATUS_OFF);
    CHECK_EQ(status(w.id), TRACE_STATUS_MINE);
    trace_buffer_destroy(&b);
    close_worker();
}

// The end of a session ends all its tracings; each is paid for as long as it lasts.
static void tracings_end_with_their_session(void)
{
    struct trace_buffer b, other;
    struct service_client session;
    struct trace_subject s;
    CHECK_EQ(open_worker(), SUCCESS);
    CHECK_EQ(trace_buffer_create(&b, 64), SUCCESS);
    CHECK_EQ(trace_buffer_create(&other, 64), SUCCESS);
    volatile struct trace_ring *ring = b.reader.ring, *second = other.reader.ring;
    CHECK_EQ(trace_init(&session, 2), SUCCESS);
    CHECK_EQ(trace_enable_buffer(&session, w.id, &b, wish(TRACE_ALL)), SUCCESS);
    CHECK_EQ(trace_enable_buffer(&session, w.handler_id, &other, wish(TRACE_ALL)), SUCCESS);
    CHECK(round() && ring->written && second->written);
    service_close(&session);
    CHECK_EQ(status(w.id), TRACE_STATUS_OFF);
    CHECK_EQ(status(w.handler_id), TRACE_STATUS_OFF);
    u64 written = ring->written, beside = second->written;
    CHECK(round() && ring->written == written && second->written == beside);
    CHECK_EQ(trace_init(&session, 1), SUCCESS);
    CHECK_EQ(trace_info(&session, w.id, &s), SUCCESS);
    session.fixed = true; // it gets no more than that
    for (unsigned i = 0; i < 500; i++) {
        CHECK_EQ(trace_enable_buffer(&session, w.id, &b, wish(TRACE_ALL)), SUCCESS);
        CHECK_EQ(trace_disable(&session, w.id), SUCCESS);
    }
    service_close(&session);
    trace_buffer_destroy(&b);
    trace_buffer_destroy(&other);
    close_worker();
}

// It may have been cut, and then it is more than one component's.
static void labels_of_full_length_trace_nothing(void)
{
    struct service_client c;
    char label[SERVICE_LABEL_MAX];
    memset(label, 'x', sizeof(label));
    label[sizeof(label) - 1] = 0;
    CHECK_EQ(service_init(&c, "trace", label, "", (struct service_quota){8192, 16}), SUCCESS);
    CHECK_EQ(service_open(&c), EPERM);
    service_close(&c);
    label[sizeof(label) - 20] = 0; // our own name comes before it
    CHECK_EQ(service_init(&c, "trace", label, "", (struct service_quota){8192, 16}), SUCCESS);
    CHECK_EQ(service_open(&c), SUCCESS);
    service_close(&c);
}

// The pages of a dataspace that is freed under a busy thread are written to no more: whoever gets
// them next finds them as they were given.
static void freed_memory_is_not_written(void)
{
    CHECK_EQ(open_worker(), SUCCESS);
    w.busy = true;
    hc_sm_up(w.go);
    for (unsigned i = 0; i < 30; i++) {
        struct trace_buffer b;
        CHECK_EQ(trace_buffer_create(&b, 100), SUCCESS);
        CHECK_EQ(trace_enable_buffer(&w.trace, w.id, &b, wish(TRACE_ALL)), SUCCESS);
        for (u64 until = w.rounds + 3, deadline = deadline_in_us(PATIENCE_US);
             w.rounds < until && rdtsc() < deadline;)
            (void)!hc_sm_down(w.done, deadline_in_us(100)); // lets it run where there is one CPU
        CHECK(b.reader.ring->written > 0);
        trace_buffer_destroy(&b);
        CHECK_EQ(status(w.id), TRACE_STATUS_OFF);
        CHECK_EQ(trace_buffer_create(&b, 100), SUCCESS);
        (void)!hc_sm_down(w.done, deadline_in_us(100));
        const u64 *word = (const u64 *)b.reader.ring;
        for (unsigned k = 0; k < b.bytes / sizeof(*word); k++)
            CHECK_EQ(word[k], 0);
        trace_buffer_destroy(&b);
    }
    close_worker();
}

static void tracing_ends_with_thread_and_session(void)
{
    struct trace_buffer b;
    struct trace_subject s;
    struct service_client second;
    CHECK_EQ(open_worker(), SUCCESS);
    CHECK_EQ(trace_buffer_create(&b, 100), SUCCESS);
    CHECK_EQ(trace_init(&second, 1), SUCCESS);
    CHECK_EQ(trace_enable_buffer(&second, w.id, &b, wish(TRACE_ALL)), SUCCESS);
    service_close(&second);
    CHECK_EQ(status(w.id), TRACE_STATUS_OFF);
    volatile struct trace_ring *ring = b.reader.ring;
    u64 before = ring->written;
    CHECK(round());
    CHECK_EQ(ring->written, before);
    CHECK_EQ(trace_enable_buffer(&w.trace, w.id, &b, wish(TRACE_ALL)), SUCCESS);
    u64 id = w.id;
    w.end = true;
    hc_sm_up(w.go);
    rt_sc_destroy = worker_sc_destroy;
    thread_join(&w.worker);
    rt_sc_destroy = env_sc_destroy;
    before = ring->written;
    CHECK(before > 0);
    CHECK_EQ(trace_info(&w.trace, id, &s), ENOTFOUND);
    CHECK_EQ(trace_disable(&w.trace, id), ENOTFOUND);
    CHECK_EQ(trace_enable_buffer(&w.trace, id, &b, wish(TRACE_ALL)), ENOTFOUND);
    CHECK_EQ(ring->written, before); // what happened last can still be read
    close_worker();
    CHECK_EQ(open_worker(), SUCCESS);
    CHECK(w.id > id); // a new thread is nobody's old one
    CHECK_EQ(trace_info(&w.trace, id, &s), ENOTFOUND);
    trace_buffer_destroy(&b);
    close_worker();
}

// Whether more than that is told of the worker now, or after a few rounds: time is counted when it
// has waited, and it does not if it is so late that the next round has begun.
static bool has_run_since(u64 ticks, struct trace_subject *now)
{
    for (unsigned i = 0; i < 1000 && round(); i++) {
        if (trace_info(&w.trace, w.id, now))
            return false;
        if (now->ticks > ticks)
            return true;
    }
    return false;
}

static void execution_time_grows(void)
{
    struct trace_subject before, after;
    CHECK_EQ(open_worker(), SUCCESS);
    CHECK(has_run_since(0, &before));
    for (unsigned i = 0; i < 100; i++)
        CHECK(round());
    CHECK(has_run_since(before.ticks, &after));
    CHECK_EQ(trace_info(&w.trace, w.handler_id, &after), SUCCESS);
    CHECK_EQ(after.ticks, 0);
    close_worker();
}

static void hostile_requests_are_refused(void)
{
    struct trace_buffer b;
    struct service_client rm, poor;
    sel_t map, managed;
    CHECK_EQ(open_worker(), SUCCESS);
    CHECK_EQ(trace_buffer_create(&b, 100), SUCCESS);
    static const struct {
        u64 offset, bytes;
    } places[] = {{1, 4096 - 64},          {32, 4096 - 64},  {0, 0},
                  {0, TRACE_RING_MIN - 1}, {0, 1ul << 40},   {8192, 128},
                  {64, ~0ul - 32},         {~0ul - 63, 128}, {1ul << 63, 128}};
    for (unsigned i = 0; i < ARRAY_SIZE(places); i++)
        CHECK_EQ(
            trace_enable(&w.trace, w.id, b.ds, places[i].offset, places[i].bytes, wish(TRACE_ALL)),
            EPARAM);
    CHECK_EQ(trace_enable_buffer(&w.trace, w.id, &b, wish(1)), EPARAM);
    CHECK_EQ(trace_enable_buffer(&w.trace, w.id, &b, wish(TRACE_ALL | 1u << 30)), EPARAM);
    CHECK_EQ(trace_enable_buffer(&w.trace, 0, &b, wish(TRACE_ALL)), ENOTFOUND);
    CHECK_EQ(trace_enable_buffer(&w.trace, ~0ul, &b, wish(TRACE_ALL)), ENOTFOUND);
    CHECK_EQ(trace_enable(&w.trace, w.id, w.go, 0, 4096, wish(TRACE_ALL)), ENOTFOUND);
    CHECK_EQ(trace_enable(&w.trace, w.id, SEL_PD, 0, 4096, wish(TRACE_ALL)), ENOTFOUND);
    CHECK_EQ(open_args(&rm, "rm", "", 8192), SUCCESS);
    CHECK_EQ(rm_create(&rm, 8192, &map, &managed), SUCCESS);
    CHECK_EQ(trace_enable(&w.trace, w.id, managed, 0, 4096, wish(TRACE_ALL)), EFEATURE);
    rm_destroy(&rm, map, managed);
    service_close(&rm);
    CHECK_EQ(try_args("trace", "all"), EPROTO);
    CHECK_EQ(trace_init(&poor, 0), SUCCESS);
    poor.fixed = true;
    CHECK_EQ(trace_enable_buffer(&poor, w.id, &b, wish(TRACE_ALL)), ERESOURCE);
    service_close(&poor);
    CHECK_EQ(status(w.id), TRACE_STATUS_OFF);
    // What the reader writes into the ring is its own harm.
    CHECK_EQ(trace_enable_buffer(&w.trace, w.id, &b, wish(TRACE_ALL | TRACE_STOP)), SUCCESS);
    memset(b.reader.ring, 0xff, b.bytes);
    CHECK(round() && round());
    CHECK_EQ(trace_disable(&w.trace, w.id), SUCCESS);
    trace_buffer_destroy(&b);
    close_worker();
}

void trace_tests(void)
{
    RUN(subjects_are_those_of_the_sub_tree);
    RUN(events_arrive_with_their_fields);
    RUN(policy_is_the_tracers);
    RUN(tracing_starts_and_stops_at_run_time);
    RUN(tracings_are_changed_one_by_one);
    RUN(tracings_end_with_their_session);
    RUN(labels_of_full_length_trace_nothing);
    RUN(freed_memory_is_not_written);
    RUN(tracing_ends_with_thread_and_session);
    RUN(execution_time_grows);
    RUN(hostile_requests_are_refused);
    trace_own_tests();
}
