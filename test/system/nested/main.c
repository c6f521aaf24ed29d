// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Inits below inits (scenarios/nested) seen from the top: who is there, what happens when one of
// them ends, and that nothing of it stays behind.
#include "test/system/check.h"
#include "test/system/exit.h"
#include "lib/rt/selector.h"
#include "lib/rt/start.h"
#include "lib/rt/string.h"
#include "lib/rt/tsc.h"
#include "lib/service/control.h"
#include "lib/service/env.h"
#include "test/system/compose_server/operations.h"

enum { WAIT_US = 20000000, LIVES = 10, BEATS_US = 4500000 };

static sel_t never;
static struct service_client top, echo;

static void pause_us(u64 us)
{
    (void)!hc_sm_down(never, deadline_in_us(us));
}

// By a session of its own: the one before may have ended with its server.
static error_t find(const char *path, const char *name, struct control_child *child)
{
    struct service_client init;
    error_t error = service_init(&init, "init", path, "", (struct service_quota){0, 0});
    if (error)
        return error;
    error = control_find(&init, name, child);
    service_close(&init);
    return error;
}

static error_t end(const char *path, const char *name)
{
    struct service_client init;
    error_t error = service_init(&init, "init", path, "", (struct service_quota){0, 0});
    if (error)
        return error;
    error = control_kill(&init, name);
    service_close(&init);
    return error;
}

static bool reaches(const char *path, const char *name, enum child_state state, u32 restarts)
{
    struct control_child child = {.state = CHILD_FAILED};
    error_t error = SUCCESS;
    for (u64 end = deadline_in_us(WAIT_US); rdtsc() < end; pause_us(5000)) {
        error = find(path, name, &child);
        if (!error && child.state == state && child.restarts >= restarts)
            return true;
    }
    print("  \"%s\" of \"%s\": %s, state %u, %u restarts\n", name, path, error_name(error),
          child.state, child.restarts);
    return false;
}

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
    CHECK(reaches("", "apps", CHILD_RUNNING, 0));
    CHECK(reaches("apps", "middle", CHILD_RUNNING, 0));
    CHECK(reaches("apps -> middle", "leaf", CHILD_RUNNING, 0));
    CHECK_EQ(find("", "apps", &child), SUCCESS);
    CHECK(child.is_init);
    CHECK_EQ(find("", "server", &child), SUCCESS);
    CHECK(!child.is_init);
    CHECK_EQ(find("apps", "leaf", &child), ENOTFOUND);
    CHECK(sessions_become(2));
}

static void what_it_has_not_an_init_cannot_give(void)
{
    CHECK(reaches("apps -> middle", "greedy", CHILD_FAILED, 0));
    CHECK(reaches("apps -> middle", "hoarder", CHILD_FAILED, 0));
    struct control_child middle;
    CHECK_EQ(find("apps", "middle", &middle), SUCCESS);
    CHECK(middle.ram_used <= middle.ram_limit && middle.ram_limit <= 12 << 20);
}

static void no_way_leads_past_an_init(void)
{
    struct control_child child;
    CHECK_EQ(find("server", "leaf", &child), EPERM);
    CHECK_EQ(find("nobody", "leaf", &child), EPERM);
    CHECK_EQ(find("apps -> leaf", "leaf", &child), EPERM);
    CHECK_EQ(find("apps -> middle -> leaf", "leaf", &child), EPERM);
    CHECK_EQ(find(" -> ", "leaf", &child), EPERM);
    CHECK_EQ(find("apps -> ", "middle", &child), SUCCESS); // an empty rest is none
}

static void each_level_restarts_its_own(void)
{
    CHECK_EQ(end("apps -> middle", "leaf"), SUCCESS);
    CHECK(reaches("apps -> middle", "leaf", CHILD_RUNNING, 1));
    CHECK(sessions_become(2));
    CHECK_EQ(end("apps", "middle"), SUCCESS);
    CHECK(reaches("apps", "middle", CHILD_RUNNING, 1));
    CHECK(reaches("apps -> middle", "leaf", CHILD_RUNNING, 0));
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

// The middle of the tree dies again and again: all below ends with it, and all of it comes back.
static void with_an_init_all_below_ends(void)
{
    u64 kmem, slots, kmem_now, slots_now;
    struct control_child apps;
    for (u32 i = 1; i <= LIVES; i++) {
        CHECK_EQ(end("", "apps"), SUCCESS);
        CHECK(reaches("", "apps", CHILD_RUNNING, i));
        CHECK(reaches("apps -> middle", "leaf", CHILD_RUNNING, 0));
        CHECK(sessions_become(2));
        if (i == 1)
            CHECK_EQ(usage(&kmem, &slots), SUCCESS);
    }
    CHECK_EQ(usage(&kmem_now, &slots_now), SUCCESS);
    print("  init's kernel memory %lu, then %lu; slots %lu, then %lu\n", kmem, kmem_now, slots,
          slots_now);
    CHECK(slots_now <= slots + 16 && kmem_now <= kmem + 16384);
    pause_us(BEATS_US); // longer than its parent would wait for a heartbeat
    CHECK_EQ(find("", "apps", &apps), SUCCESS);
    CHECK_EQ(apps.restarts, LIVES);
    CHECK_EQ(apps.state, CHILD_RUNNING);
}

int main(void)
{
    if (semaphore_create(0, &never) ||
        service_init(&top, "init", "", "", (struct service_quota){0, 0}) ||
        service_init(&echo, "echo", "", "", (struct service_quota){0, 0}))
        return 1;
    RUN(inits_show_their_children);
    RUN(what_it_has_not_an_init_cannot_give);
    RUN(no_way_leads_past_an_init);
    RUN(each_level_restarts_its_own);
    RUN(with_an_init_all_below_ends);
    TESTS_DONE();
    machine_exit(tests_failed != 0);
    return 0;
}
