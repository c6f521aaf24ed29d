// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Ends and new lives: of a server under its clients, of children by themselves or by control.
#include "test/system/compose/compose.h"
#include "test/system/check.h"
#include "test/system/wait.h"

enum { LIVES = 100 };

// A crash is seen once, by who was in the call; then all works again.
static void crash_once(struct service_client *c)
{
    word_t w[4] = {0, 0, 1, 2};
    CHECK_EQ(service_call1(c, COMPOSE_CRASH, 64), EABORT);
    CHECK_EQ(service_call_words(c, COMPOSE_ADD, w), SUCCESS);
    CHECK_EQ(w[1], 3);
    CHECK_EQ(w[2], 1); // a new life
}

static void service_dies_and_comes_back(void)
{
    struct service_client c;
    CHECK_EQ(open(&c, "echo"), SUCCESS);
    for (unsigned i = 0; i < 5; i++)
        crash_once(&c);
    service_close(&c);
    CHECK_EQ(open(&c, "count"), SUCCESS);
    for (unsigned i = 0; i < 3; i++)
        crash_once(&c);
    service_close(&c);
}

error_t kill_and_start(struct service_client *control, const char *name)
{
    error_t error = control_kill(control, name);
    if (!error)
        error = control_start(control, name);
    return error == EINUSE ? SUCCESS : error;
}

static void control_is_checked(void)
{
    struct service_client control;
    CHECK_EQ(open(&control, "init"), SUCCESS);
    CHECK_EQ(control_kill(&control, "nobody"), ENOTFOUND);
    CHECK_EQ(control_start(&control, "server"), EINUSE);
    CHECK_EQ(control_start(&control, "too_large"), ENOTFOUND);
    CHECK_EQ(control_kill(&control, "no_binary"), ENOTFOUND);
    CHECK_EQ(service_call0(&control, 999), EPROTO);
    service_close(&control);
}

// Killed and started a hundred times: its figures are those of its first life again, and so are
// init's own, which would otherwise not be able to start it.
static void a_hundred_lives_leak_nothing(void)
{
    struct service_client control, c;
    struct control_child first, now;
    word_t w[4] = {0, 0, 1, 2};
    CHECK_EQ(open(&control, "init"), SUCCESS);
    CHECK_EQ(open(&c, "echo"), SUCCESS);
    CHECK_EQ(control_find(&control, "server", &first), SUCCESS);
    for (u32 i = 1; i <= LIVES; i++) {
        CHECK_EQ(kill_and_start(&control, "server"), SUCCESS);
        CHECK(reaches(&control, "server", CHILD_RUNNING, first.restarts + i));
    }
    error_t error = service_call_words(&c, COMPOSE_ADD, w);
    if (error == EABORT)
        error = service_call_words(&c, COMPOSE_ADD, w);
    CHECK_EQ(error, SUCCESS);
    CHECK_EQ(control_find(&control, "server", &now), SUCCESS);
    CHECK(now.ram_used > 0 && now.ram_used <= first.ram_high);
    CHECK(now.caps_used <= first.caps_used + 8);
    service_close(&c);
    service_close(&control);
}

// How many clients' ends the server has asked for in its life.
static word_t kills(struct service_client *c)
{
    word_t w[4] = {0};
    return service_call_words(c, COMPOSE_KILLS, w) ? 0 : w[1];
}

static bool kills_exceed(struct service_client *c, word_t before)
{
    for (u64 end = deadline_in_us(WAIT_US); rdtsc() < end; pause_us(1000)) {
        if (kills(c) > before)
            return true;
    }
    print("  the server has asked for no further client's end\n");
    return false;
}

static void children_end_as_they_should(void)
{
    struct service_client control, asks;
    CHECK_EQ(open(&control, "init"), SUCCESS);
    CHECK_EQ(open(&asks, "echo"), SUCCESS);
    for (unsigned i = 0; i < 2; i++) {
        word_t before = kills(&asks);
        CHECK_EQ(control_start(&control, "victim"), SUCCESS);
        CHECK(kills_exceed(&asks, before)); // it runs, and its server asks for its end
        CHECK(reaches(&control, "victim", CHILD_STOPPED, 0));
    }
    service_close(&asks);
    CHECK(reaches(&control, "heartless", CHILD_FAILED,
                  2)); // no heartbeat, twice again, then given up
    CHECK(reaches(&control, "beggar", CHILD_FAILED, 1));
    CHECK(reaches(&control, "lonely", CHILD_RUNNING, 0)); // waits
    CHECK(reaches(&control, "bounded", CHILD_EXITED, 0)); // its main says what it checks
    CHECK(reaches(&control, "no_binary", CHILD_FAILED, 0));
    CHECK(reaches(&control, "no_caps", CHILD_FAILED, 0));
    CHECK(reaches(&control, "no_kmem", CHILD_FAILED, 0));
    CHECK(reaches(&control, "too_small", CHILD_FAILED, 0));
    CHECK(reaches(&control, "too_large", CHILD_FAILED, 0));
    CHECK(reaches(&control, "broken", CHILD_FAILED, 0));
    // The server learned that its client is dead, without anybody opening anything.
    struct service_client c;
    struct info i = {0};
    CHECK_EQ(open(&c, "echo"), SUCCESS);
    for (u64 end = deadline_in_us(WAIT_US); i.sessions != 1 && rdtsc() < end; pause_us(5000))
        CHECK_EQ(info(&c, &i), SUCCESS);
    CHECK_EQ(i.sessions, 1);
    service_close(&c);
    CHECK_EQ(parent_request_kill("server"), EPERM); // a sibling's end is not ours to ask for
    service_close(&control);
}

static volatile u32 errors;
static void hammer(void *argument)
{
    (void)argument;
    struct service_client c;
    for (unsigned round = 0; round < 20; round++) {
        if (open(&c, "echo")) {
            errors++;
            continue;
        }
        for (word_t i = 1; i <= 50; i++) {
            word_t w[4] = {0, 0, i, i};
            error_t error = service_call_words(&c, COMPOSE_ADD, w);
            errors += error || w[1] != 2 * i;
        }
        service_close(&c);
    }
}

static void all_cpus_call_at_once(void)
{
    struct thread t[MAX_CPUS];
    errors = 0;
    for (unsigned i = 0; i < hip()->cpu_count; i++)
        CHECK_EQ(thread_create(&t[i], i, 30, "hammer", hammer, NULL), SUCCESS);
    for (unsigned i = 0; i < hip()->cpu_count; i++)
        thread_join(&t[i]);
    CHECK_EQ(errors, 0);
}

static struct service_client shared;
static volatile u32 strange;
static void call_while_it_dies(void *argument)
{
    (void)argument;
    for (unsigned i = 0; i < 300; i++) {
        word_t w[4] = {0, 0, i, 1};
        error_t error = service_call_words(&shared, COMPOSE_ADD, w);
        if (error == EABORT)
            continue;
        strange += error || w[1] != i + 1;
    }
}

// Threads of all CPUs share one session while its server is killed again and again.
static void threads_survive_a_dying_server(void)
{
    struct service_client control;
    struct thread t[MAX_CPUS];
    struct control_child server;
    CHECK_EQ(open(&control, "init"), SUCCESS);
    CHECK_EQ(open(&shared, "echo"), SUCCESS);
    for (unsigned i = 0; i < hip()->cpu_count; i++)
        CHECK_EQ(thread_create(&t[i], i, 30, "caller", call_while_it_dies, NULL), SUCCESS);
    bool back = true;
    for (unsigned i = 0; i < 10 && back; i++) {
        back = !control_find(&control, "server", &server);
        if (back && !kill_and_start(&control, "server"))
            back = reaches(&control, "server", CHILD_RUNNING, server.restarts + 1);
    }
    for (unsigned i = 0; i < hip()->cpu_count; i++)
        thread_join(&t[i]);
    CHECK(back);
    CHECK_EQ(strange, 0);
    service_close(&shared);
    service_close(&control);
}

void lives_tests(void)
{
    RUN(service_dies_and_comes_back);
    RUN(control_is_checked);
    RUN(a_hundred_lives_leak_nothing);
    RUN(all_cpus_call_at_once);
    RUN(threads_survive_a_dying_server);
    RUN(children_end_as_they_should);
}
