// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// How long sleeps last and how long threads with a budget run, both ways: neither less nor more.
// Elsewhere a host that is busy makes what comes late later, so that only "never too early" and
// rough shares can be told (test/system/drivers, core/budget_is_shared). Here the time-stamp
// counter counts instructions, a nanosecond each, whatever the host does.
#include "lib/rt/start.h"
#include "lib/rt/thread.h"
#include "lib/rt/tsc.h"
#include "lib/service/env.h"
#include "lib/service/timer.h"
#include "test/system/check.h"
#include "test/system/exit.h"
#include "test/system/session_thread.h"
#include "test/system/wait.h"

enum { SPINNERS = 3, PERIOD_US = 10000, BUDGET_US = 2000, LATE_US = 50 };
#define POOL "40,budget=2000,period=10000,pool=test"

static struct service_client timers, first, second;
static struct timer timer;

// Whether what should have taken `us` since `begin` (TSC) has: not less, and hardly more.
static bool took(u64 begin, u64 us)
{
    u64 found = tsc_to_us(rdtsc() - begin);
    if (found >= us && found <= us + LATE_US)
        return true;
    print("  found %lu us, expected %lu\n", found, us);
    return false;
}

static void sleeps_last_as_long_as_asked(void)
{
    CHECK_EQ(timer_open(&timer, &timers), SUCCESS);
    CHECK_EQ(timer_sleep(&timer, 1), SUCCESS); // by then the session is open
    for (u64 us = 100; us <= 1000000; us *= 10) {
        u64 begin = rdtsc();
        CHECK_EQ(timer_sleep(&timer, us), SUCCESS);
        CHECK(took(begin, us));
    }
}

static void absolute_timers_fire_when_asked(void)
{
    u64 start, begin = rdtsc();
    CHECK_EQ(timer_time(&timers, &start, NULL), SUCCESS);
    CHECK_EQ(timer_request(&timer, start + 30000, true), SUCCESS);
    CHECK_EQ(timer_wait(&timer), SUCCESS);
    CHECK(took(begin, 30000));
}

static void periods_do_not_drift(void)
{
    u64 begin = rdtsc();
    CHECK_EQ(service_call2(&timers, TIMER_REQUEST_TIMER, 5000, timer.number | TIMER_PERIODIC),
             SUCCESS);
    for (unsigned i = 1; i <= 100; i++) {
        CHECK_EQ(timer_wait(&timer), SUCCESS);
        CHECK(took(begin, 5000 * i));
    }
    CHECK_EQ(timer_request(&timer, 0, false), SUCCESS);
}

static void downs_end_at_their_deadline(void)
{
    for (u64 us = 10; us <= 1000000; us *= 10) {
        u64 begin = rdtsc();
        pause_us(us);
        CHECK(took(begin, us));
    }
}

static volatile bool stop;
static struct thread pool[SPINNERS], beside;

static void spin(void *unused)
{
    (void)unused;
    while (!stop)
        ;
}

// A thread that computes on the session's time, above the one that runs beside them.
static error_t start(struct thread *t, struct service_client *session)
{
    return session_thread_create(t, session, 0, spin, NULL);
}

// What a thread has run, in microseconds; it does not while we look.
static u64 ran_us(const struct thread *t)
{
    u64 ticks = 0;
    return hc_sc_time(t->sc, &ticks) ? ~0ul : tsc_to_us(ticks);
}

// Periods begin together, at multiples of their length.
static void wait_for_period(void)
{
    u64 period = tsc_from_us(PERIOD_US);
    pause_us(tsc_to_us(period - rdtsc() % period) + 1);
}

static bool is_about(u64 found, u64 expected)
{
    if (found >= expected - expected / 100 && found <= expected + expected / 100)
        return true;
    print("  found %lu us, expected %lu\n", found, expected);
    return false;
}

// Three threads of two sessions with one pool get what one of them would get, and who needs no
// budget gets all the rest.
static void a_pool_gets_its_budget_and_not_more(void)
{
    enum { PERIODS = 5 };
    u64 before[SPINNERS + 1];
    stop = false;
    CHECK_EQ(service_init(&first, "cpu", "", POOL, (struct service_quota){0, 0}), SUCCESS);
    CHECK_EQ(service_init(&second, "cpu", "", POOL, (struct service_quota){0, 0}), SUCCESS);
    CHECK_EQ(thread_create(&beside, 0, 10, "beside", spin, NULL), SUCCESS);
    for (unsigned threads = 1; threads <= SPINNERS; threads++) {
        CHECK_EQ(start(&pool[threads - 1], threads == 1 ? &first : &second), SUCCESS);
        wait_for_period();
        wait_for_period(); // all have begun
        before[SPINNERS] = ran_us(&beside);
        for (unsigned i = 0; i < threads; i++)
            before[i] = ran_us(&pool[i]);
        pause_us(PERIODS * PERIOD_US);
        for (unsigned i = 0; i < threads; i++)
            CHECK(is_about(ran_us(&pool[i]) - before[i], PERIODS * BUDGET_US / threads));
        CHECK(is_about(ran_us(&beside) - before[SPINNERS], PERIODS * (PERIOD_US - BUDGET_US)));
    }
    for (unsigned i = 0; i < SPINNERS; i++)
        session_thread_destroy(&pool[i], i ? &second : &first);
}

// Another thread of the pool comes when one has run for longer than its part will be: that one has
// had its time for this period.
static void a_part_that_shrinks_is_not_exceeded(void)
{
    CHECK_EQ(start(&pool[0], &first), SUCCESS);
    for (unsigned i = 0; i < 3; i++) {
        wait_for_period();
        u64 before = ran_us(&pool[0]);
        pause_us(BUDGET_US / 4 * 3);
        CHECK(is_about(ran_us(&pool[0]) - before, BUDGET_US / 4 * 3));
        CHECK_EQ(start(&pool[1], &first), SUCCESS);
        pause_us(PERIOD_US / 2);
        CHECK(is_about(ran_us(&pool[0]) - before, BUDGET_US / 4 * 3));
        CHECK(is_about(ran_us(&pool[1]), BUDGET_US / 2));
        session_thread_destroy(&pool[1], &first);
    }
    session_thread_destroy(&pool[0], &first);
    stop = true;
    thread_join(&beside);
    service_close(&first);
    service_close(&second);
}

int main(void)
{
    RUN(sleeps_last_as_long_as_asked);
    RUN(absolute_timers_fire_when_asked);
    RUN(periods_do_not_drift);
    RUN(downs_end_at_their_deadline);
    RUN(a_pool_gets_its_budget_and_not_more);
    RUN(a_part_that_shrinks_is_not_exceeded);
    TESTS_DONE();
    machine_exit(tests_failed != 0);
    return 0;
}
