// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Every driver, server and service of the tour is killed and started again a hundred times. What
// init has left of memory, kernel memory and capability slots is then what it was after the first
// time.
#include "test/system/check.h"
#include "lib/rt/selector.h"
#include "lib/rt/string.h"
#include "lib/rt/tsc.h"
#include "lib/service/env.h"

enum { EXIT_PORT = 0xf4, LIVES = 100, WAIT_US = 20000000, SLACK_BYTES = 16384, SLACK_SLOTS = 16 };

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

static error_t request(word_t operation, const char *name)
{
    struct msg m;
    service_begin(&control, &m, operation);
    msg_put_string(&m, name);
    return service_call(&control, &m);
}

static error_t row(const char *wanted, word_t *state)
{
    struct msg m;
    char name[64];
    service_begin(&control, &m, INIT_LIST);
    msg_put_word(&m, 0);
    error_t error = service_call(&control, &m);
    (void)msg_get_word(&m);
    for (word_t count = msg_get_word(&m); count > 0 && !error; count--) {
        *state = msg_get_word(&m);
        for (unsigned i = 0; i < 5; i++)
            (void)msg_get_word(&m);
        msg_get_string(&m, name, sizeof(name));
        error = msg_error(&m);
        if (!strcmp(name, wanted))
            return error;
    }
    return error ? error : ENOTFOUND;
}

static bool lives_again(const char *name, word_t restarts)
{
    word_t state = 0;
    for (u64 end = deadline_in_us(WAIT_US); rdtsc() < end;) {
        if (row(name, &state))
            return false;
        if ((u32)state == CHILD_RUNNING && state >> 32 >= restarts)
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
    word_t state;
    struct usage before = {0};
    CHECK_EQ(row(victim, &state), SUCCESS);
    word_t restarts = state >> 32;
    for (word_t i = 1; i <= LIVES; i++) {
        CHECK_EQ(request(INIT_KILL, victim), SUCCESS);
        CHECK_EQ(request(INIT_START, victim), SUCCESS);
        CHECK(lives_again(victim, restarts + i));
        if (i == 3) { // the first lives leave caches behind
            (void)!hc_sm_down(never, deadline_in_us(300000));
            CHECK_EQ(usage(&before), SUCCESS);
        }
    }
    CHECK(falls_to(&before));
}

#define RUN_LIVES(name)                                                                            \
    do {                                                                                           \
        victim = #name;                                                                            \
        test_failed = false;                                                                       \
        a_hundred_lives();                                                                         \
        print("test: %s a_hundred_lives_of_%s\n", test_failed ? "FAIL" : "PASS", victim);          \
        *(test_failed ? &tests_failed : &tests_passed) += 1;                                       \
    } while (0)

int main(void)
{
    struct io_port port;
    never = selector_alloc();
    if (hc_create_sm(never, 0, SEL_PD) ||
        service_init(&control, "init", "", "", (struct service_quota){0, 0}))
        return 1;
    (void)!hc_sm_down(never, deadline_in_us(500000)); // all are up
    RUN_LIVES(greeter);
    RUN_LIVES(fragile);
    RUN_LIVES(timer);
    RUN_LIVES(power);
    RUN_LIVES(log);
    RUN_LIVES(serial);
    TESTS_DONE();
    if (!io_port_open(&port, EXIT_PORT, 4))
        __asm__ volatile("outl %0, %1" ::"a"(tests_failed ? 1 : 0), "d"((u16)EXIT_PORT));
    return 0;
}
