// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Inits below inits (scenarios/nested) seen from the top: who is there, what happens when one of
// them ends, and that nothing of it stays behind.
#include "test/system/check.h"
#include "test/system/exit.h"
#include "test/system/inits.h"
#include "lib/core/trace.h"
#include "lib/rt/start.h"
#include "lib/rt/string.h"
#include "lib/service/env.h"
#include "test/system/compose_server/operations.h"

enum { WAIT_US = 20000000, LIVES = 10, BEATS_US = 4500000 };

static struct service_client top, echo;

// Sessions at the server at the top; one is ours.
static word_t sessions(void)
{
    struct msg m;
    service_begin(&echo, &m, COMPOSE_INFO);
    if (service_call(&echo, &m))
        return 0;
    (void)msg_get_word(&m);
    return msg_get_word(&m);
}

static bool sessions_become(word_t count)
{
    for (u64 end = deadline_in_us(WAIT_US); rdtsc() < end; pause_us(5000)) {
        if (sessions() == count)
            return true;
    }
    print("  %lu sessions, expected %lu\n", sessions(), count);
    return false;
}

static void inits_show_their_children(void)
{
    struct control_child child;
    CHECK(child_reaches("", "apps", CHILD_RUNNING, 0));
    CHECK(child_reaches("apps", "middle", CHILD_RUNNING, 0));
    CHECK(child_reaches("apps -> middle", "leaf", CHILD_RUNNING, 0));
    CHECK_EQ(child_find("", "apps", &child), SUCCESS);
    CHECK(child.is_init);
    CHECK_EQ(child_find("", "server", &child), SUCCESS);
    CHECK(!child.is_init);
    CHECK_EQ(child_find("apps", "leaf", &child), ENOTFOUND);
    CHECK(sessions_become(2));
}

static void what_it_has_not_an_init_cannot_give(void)
{
    CHECK(child_reaches("apps -> middle", "greedy", CHILD_FAILED, 0));
    CHECK(child_reaches("apps -> middle", "hoarder", CHILD_FAILED, 0));
    struct control_child middle;
    CHECK_EQ(child_find("apps", "middle", &middle), SUCCESS);
    CHECK(middle.ram_used <= middle.ram_limit && middle.ram_limit <= 12 << 20);
}

static void no_way_leads_past_an_init(void)
{
    struct control_child child;
    CHECK_EQ(child_find("server", "leaf", &child), EPERM);
    CHECK_EQ(child_find("nobody", "leaf", &child), EPERM);
    CHECK_EQ(child_find("apps -> leaf", "leaf", &child), EPERM);
    CHECK_EQ(child_find("apps -> middle -> leaf", "leaf", &child), EPERM);
    CHECK_EQ(child_find(" -> ", "leaf", &child), EPERM);
    CHECK_EQ(child_find("apps -> ", "middle", &child), SUCCESS); // an empty rest is none
}

static const struct {
    const char *label, *name;
} places[] = {
    {"sigma0", "main"},
    {"init", "main"},
    {"init -> judge", "main"},
    {"init -> apps", "main"},
    {"init -> apps -> middle", "main"},
    {"init -> apps -> middle -> leaf", "main"},
    {"init -> apps -> middle -> server", "main"},
};

struct sight {
    bool seen[ARRAY_SIZE(places)];
    u64 counting[MAX_CPUS]; // the handlers of the innermost service
    unsigned handlers;
};

static bool look(const struct trace_subject *s, void *context)
{
    struct sight *sight = context;
    for (unsigned i = 0; i < ARRAY_SIZE(places); i++)
        sight->seen[i] |= !strcmp(s->label, places[i].label) && !strcmp(s->name, places[i].name);
    if (!strcmp(s->label, "init -> apps -> middle -> server") && !strncmp(s->name, "count ", 6) &&
        sight->handlers < MAX_CPUS)
        sight->counting[sight->handlers++] = s->id;
    return true;
}

static bool holds(const struct trace_buffer *b, unsigned rings, u64 bytes, u64 operation)
{
    for (unsigned i = 0; i < rings; i++) {
        const volatile struct trace_ring *ring =
            (struct trace_ring *)((char *)b->reader.ring + i * bytes);
        for (u64 n = 0; n < ring->written && n < ring->capacity; n++) {
            if (ring->record[n].event == TRACE_DISPATCH && ring->record[n].second == operation)
                return true;
        }
    }
    return false;
}

// Who sees all sees what is below inits below inits, by its whole path, and traces it.
static void threads_below_are_traced_by_their_paths(void)
{
    enum { RING = 4096 };
    static struct sight sight;
    struct service_client trace;
    struct trace_buffer b;
    unsigned cpus = hip()->cpu_count;
    CHECK_EQ(trace_init(&trace, MAX_CPUS), SUCCESS);
    for (u64 end = deadline_in_us(WAIT_US); rdtsc() < end && sight.handlers < cpus;
         pause_us(5000)) { // until the server has begun
        memset(&sight, 0, sizeof(sight));
        CHECK_EQ(trace_visit(&trace, look, &sight), SUCCESS);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
        if (!sight.seen[i])
            print("  not there: %s, %s\n", places[i].label, places[i].name);
        CHECK(sight.seen[i]);
    }
    CHECK_EQ(sight.handlers, cpus);
    CHECK_EQ(trace_buffer_create(&b, cpus * RING / sizeof(struct trace_record)), SUCCESS);
    for (unsigned i = 0; i < cpus; i++) {
        error_t error = EINUSE; // while the leaf traces it
        for (u64 end = deadline_in_us(WAIT_US); error == EINUSE && rdtsc() < end; pause_us(5000))
            error = trace_enable(&trace, sight.counting[i], b.ds, (u64)i * RING, RING,
                                 (struct trace_wish){TRACE_MASK(DISPATCH), 0});
        CHECK_EQ(error, SUCCESS);
    }
    CHECK_EQ(child_do(control_kill, "apps -> middle", "leaf"), SUCCESS); // its next life calls
    bool called = false;
    for (u64 end = deadline_in_us(WAIT_US); !called && rdtsc() < end; pause_us(5000))
        called = holds(&b, cpus, RING, COMPOSE_ADD);
    CHECK(called);
    trace_buffer_destroy(&b);
    service_close(&trace);
    CHECK(child_reaches("apps -> middle", "leaf", CHILD_RUNNING, 1));
    CHECK(sessions_become(2));
}

static void each_level_restarts_its_own(void)
{
    CHECK_EQ(child_do(control_kill, "apps -> middle", "leaf"), SUCCESS);
    CHECK(child_reaches("apps -> middle", "leaf", CHILD_RUNNING, 2));
    CHECK(sessions_become(2));
    CHECK_EQ(child_do(control_kill, "apps", "middle"), SUCCESS);
    CHECK(child_reaches("apps", "middle", CHILD_RUNNING, 1));
    CHECK(child_reaches("apps -> middle", "leaf", CHILD_RUNNING, 0));
    CHECK(sessions_become(2));
}

static error_t usage(u64 *kmem, u64 *slots)
{
    struct msg m;
    service_begin(&top, &m, INIT_USAGE);
    error_t error = service_call(&top, &m);
    *kmem = msg_get_word(&m);
    (void)msg_get_word(&m);
    *slots = msg_get_word(&m);
    return error ? error : msg_error(&m);
}

// What ends gives its kernel memory back a while later.
static bool usage_returns(u64 kmem, u64 slots)
{
    u64 kmem_now = 0, slots_now = 0;
    bool returned = false;
    for (u64 end = deadline_in_us(WAIT_US); !returned && rdtsc() < end; pause_us(5000))
        returned =
            !usage(&kmem_now, &slots_now) && slots_now <= slots + 16 && kmem_now <= kmem + 16384;
    print("  init's kernel memory %lu, then %lu; slots %lu, then %lu\n", kmem, kmem_now, slots,
          slots_now);
    return returned;
}

// The middle of the tree dies again and again: all below ends with it, and all of it comes back.
static void with_an_init_all_below_ends(void)
{
    u64 kmem = 0, slots = 0;
    struct control_child apps;
    for (u32 i = 1; i <= LIVES; i++) {
        CHECK_EQ(child_do(control_kill, "", "apps"), SUCCESS);
        CHECK(child_reaches("", "apps", CHILD_RUNNING, i));
        CHECK(child_reaches("apps -> middle", "leaf", CHILD_RUNNING, 0));
        CHECK(sessions_become(2));
        if (i == 1)
            CHECK_EQ(usage(&kmem, &slots), SUCCESS);
    }
    CHECK(usage_returns(kmem, slots));
    pause_us(BEATS_US); // longer than its parent would wait for a heartbeat
    CHECK_EQ(child_find("", "apps", &apps), SUCCESS);
    CHECK_EQ(apps.restarts, LIVES);
    CHECK_EQ(apps.state, CHILD_RUNNING);
}

int main(void)
{
    if (service_init(&top, "init", "", "", (struct service_quota){0, 0}) ||
        service_init(&echo, "echo", "", "", (struct service_quota){0, 0}))
        return 1;
    RUN(inits_show_their_children);
    RUN(what_it_has_not_an_init_cannot_give);
    RUN(no_way_leads_past_an_init);
    RUN(threads_below_are_traced_by_their_paths);
    RUN(each_level_restarts_its_own);
    RUN(with_an_init_all_below_ends);
    TESTS_DONE();
    machine_exit(tests_failed != 0);
    return 0;
}
