// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Every component of the tour is killed and started again a hundred times: its drivers, servers and
// services in the scenario lives, its applications in lives-apps. What init has left of memory,
// kernel memory and capability slots is then what it was after the first lives.
#include "test/system/check.h"
#include "test/system/exit.h"
#include "lib/rt/selector.h"
#include "lib/rt/string.h"
#include "lib/rt/tsc.h"
#include "lib/service/control.h"
#include "lib/service/env.h"

enum { LIVES = 100, WAIT_US = 20000000, SLACK_BYTES = 16384, SLACK_SLOTS = 16 };

struct usage {
    u64 kmem, slots, ram;
};

static struct service_client control;
static sel_t never;

static error_t usage(struct usage *u)
{
    struct msg m;
    service_begin(&control, &m, INIT_USAGE);
    error_t error = service_call(&control, &m);
    u->kmem = msg_get_word(&m);
    (void)msg_get_word(&m);
    u->slots = msg_get_word(&m);
    (void)msg_get_word(&m);
    u->ram = msg_get_word(&m);
    return error ? error : msg_error(&m);
}

// What is used when nothing has moved for a while: what has begun is up, what has ended is gone.
static bool settles(struct usage *u)
{
    enum { LOOKS = 5, LOOK_US = 60000 };
    struct usage before = {0};
    unsigned same = 0;
    for (u64 end = deadline_in_us(WAIT_US); same < LOOKS && rdtsc() < end;) {
        (void)!hc_sm_down(never, deadline_in_us(LOOK_US));
        if (usage(u))
            return false;
        same = memcmp(u, &before, sizeof(before)) ? 0 : same + 1;
        before = *u;
    }
    return same == LOOKS;
}

static bool lives_again(const char *name, u32 restarts)
{
    struct control_child child;
    for (u64 end = deadline_in_us(WAIT_US); rdtsc() < end;) {
        if (control_find(&control, name, &child))
            return false;
        if (child.state == CHILD_RUNNING && child.restarts >= restarts)
            return true;
        (void)!hc_sm_down(never, deadline_in_us(500));
    }
    return false;
}

static bool falls_to(const struct usage *before)
{
    struct usage u = {0};
    for (u64 end = deadline_in_us(WAIT_US); rdtsc() < end;) {
        if (usage(&u))
            return false;
        if (u.kmem <= before->kmem + SLACK_BYTES && u.slots <= before->slots + SLACK_SLOTS &&
            u.ram >= before->ram)
            return true;
        (void)!hc_sm_down(never, deadline_in_us(10000));
    }
    print("  kernel memory %lu, was %lu; slots %lu, were %lu; ram left %lu, was %lu\n", u.kmem,
          before->kmem, u.slots, before->slots, u.ram, before->ram);
    return false;
}

static const char *victim;
static void a_hundred_lives(void)
{
    struct control_child child;
    struct usage before = {0};
    CHECK_EQ(control_find(&control, victim, &child), SUCCESS);
    for (u32 i = 1; i <= LIVES; i++) {
        CHECK_EQ(control_kill(&control, victim), SUCCESS);
        error_t error = control_start(&control, victim);
        CHECK(!error || error == EINUSE); // its restart policy may have been first
        CHECK(lives_again(victim, child.restarts + i));
        if (i == 3) // the first lives leave caches behind
            CHECK(settles(&before));
    }
    CHECK(falls_to(&before));
}

static bool started(const char *name)
{
    for (u64 end = deadline_in_us(WAIT_US); rdtsc() < end;) {
        error_t error = control_start(&control, name);
        if (error != EINUSE)
            return !error;
        (void)!control_kill(&control, name); // unless its end came first
        (void)!hc_sm_down(never, deadline_in_us(500));
    }
    return false;
}

static bool ended(const char *name)
{
    struct control_child child;
    (void)!control_kill(&control, name);
    for (u64 end = deadline_in_us(WAIT_US); rdtsc() < end;) {
        if (control_find(&control, name, &child))
            return false;
        if (child.state == CHILD_EXITED || child.state == CHILD_STOPPED)
            return true;
        (void)!hc_sm_down(never, deadline_in_us(500));
    }
    return false;
}

// Of those whom nobody but us starts again, at whatever place they have got to.
static void a_hundred_short_lives(void)
{
    struct usage before = {0};
    for (u32 i = 1; i <= LIVES; i++) {
        CHECK(started(victim));
        if (i == 3) {
            (void)!hc_sm_down(never, deadline_in_us(300000));
            CHECK(ended(victim));
            CHECK(lives_again("fragile", 0)); // one of them makes it fault
            CHECK(settles(&before));
        }
        (void)!hc_sm_down(never, deadline_in_us(i * 50));
    }
    CHECK(ended(victim)); // and calls nobody in the tests that follow
    CHECK(falls_to(&before));
}

#define RUN_LIVES(name) RUN_LIVES_BY(name, a_hundred_lives)
#define RUN_SHORT_LIVES(name) RUN_LIVES_BY(name, a_hundred_short_lives)
#define RUN_LIVES_BY(name, lives)                                                                  \
    do {                                                                                           \
        victim = #name;                                                                            \
        test_failed = false;                                                                       \
        lives();                                                                                   \
        print("test: %s a_hundred_lives_of_%s\n", test_failed ? "FAIL" : "PASS", victim);          \
        *(test_failed ? &tests_failed : &tests_passed) += 1;                                       \
    } while (0)

static void applications(void)
{
    RUN_SHORT_LIVES(runaway);
    RUN_SHORT_LIVES(patient);
    RUN_SHORT_LIVES(stranger);
    RUN_SHORT_LIVES(guest);
    RUN_LIVES(shell);
}

static void servers(void)
{
    RUN_LIVES(greeter);
    RUN_LIVES(fragile);
    RUN_LIVES(timer);
    RUN_LIVES(power);
    RUN_LIVES(log);
    RUN_LIVES(serial);
}

int main(void)
{
    struct control_child child;
    never = selector_alloc();
    if (hc_create_sm(never, 0, SEL_PD) ||
        service_init(&control, "init", "", "", (struct service_quota){0, 0}))
        return 1;
    (void)!hc_sm_down(never, deadline_in_us(500000)); // all are up
    if (control_find(&control, "shell", &child))
        servers();
    else
        applications();
    TESTS_DONE();
    machine_exit(tests_failed != 0);
    return 0;
}
