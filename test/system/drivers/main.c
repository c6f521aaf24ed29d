// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Timer, serial and power as a client sees them. The last test turns the machine off, so `test:
// DONE` stands before it.
#include "test/system/check.h"
#include "lib/rt/selector.h"
#include "lib/rt/start.h"
#include "lib/rt/thread.h"
#include "lib/rt/tsc.h"
#include "lib/service/control.h"
#include "lib/service/env.h"
#include "lib/service/timer.h"

static struct service_client timers;
static struct timer timer;

static u64 now_us(void)
{
    return tsc_to_us(rdtsc());
}

static void sleep_takes_as_long_as_asked(void)
{
    CHECK_EQ(timer_open(&timer, &timers), SUCCESS);
    for (u64 us = 100; us <= 100000; us *= 10) {
        u64 before = now_us();
        CHECK_EQ(timer_sleep(&timer, us), SUCCESS);
        u64 took = now_us() - before;
        print("  asked %lu us, took %lu us\n", us, took);
        CHECK(took >= us - 1 && took < us + 100000);
    }
}

static void time_goes_on_and_is_of_this_century(void)
{
    u64 start = 0, wall = 0, start2 = 0, wall2 = 0;
    CHECK_EQ(timer_time(&timers, &start, &wall), SUCCESS);
    CHECK_EQ(timer_sleep(&timer, 20000), SUCCESS);
    CHECK_EQ(timer_time(&timers, &start2, &wall2), SUCCESS);
    CHECK(start2 - start >= 20000 && start2 - start < 500000);
    CHECK(wall2 - wall >= 19999 && wall2 - wall < 500000);
    print("  wall clock: %lu s since 1970\n", wall / 1000000);
    CHECK(wall > 1704067200ul * 1000000 && wall < 4102444800ul * 1000000);
}

static void absolute_timers_fire_and_past_ones_at_once(void)
{
    u64 start, after;
    CHECK_EQ(timer_time(&timers, &start, NULL), SUCCESS);
    CHECK_EQ(timer_request(&timer, start + 30000, true), SUCCESS);
    CHECK_EQ(timer_wait(&timer), SUCCESS);
    CHECK_EQ(timer_time(&timers, &after, NULL), SUCCESS);
    CHECK(after >= start + 30000 && after < start + 500000);
    CHECK_EQ(timer_request(&timer, 0, true), SUCCESS);
    CHECK_EQ(timer_wait(&timer), SUCCESS);
    CHECK_EQ(timer_request(&timer, start, true), SUCCESS);
    CHECK_EQ(timer_wait(&timer), SUCCESS);
}

static void disarmed_timer_stays_silent(void)
{
    CHECK_EQ(timer_request(&timer, 20000, false), SUCCESS);
    CHECK_EQ(timer_request(&timer, 0, false), SUCCESS);
    CHECK_EQ(hc_sm_down(timer.sm, deadline_in_us(60000)), ETIMEOUT);
}

static void periodic_timer_fires_again_and_again(void)
{
    u64 before = now_us();
    CHECK_EQ(service_call2(&timers, TIMER_REQUEST_TIMER, 5000, timer.number | TIMER_PERIODIC),
             SUCCESS);
    for (unsigned i = 0; i < 10; i++)
        CHECK_EQ(timer_wait(&timer), SUCCESS);
    CHECK(now_us() - before >= 49000);
    CHECK_EQ(timer_request(&timer, 0, false), SUCCESS);
    u64 taken;
    (void)!hc_sm_down_zero(timer.sm, 1, &taken);
    CHECK_EQ(hc_sm_down(timer.sm, deadline_in_us(20000)), ETIMEOUT);
}

static void nonsense_is_refused(void)
{
    CHECK_EQ(service_call2(&timers, TIMER_REQUEST_TIMER, 1000, 77777), ENOTFOUND);
    CHECK_EQ(service_call2(&timers, TIMER_REQUEST_TIMER, 1000, 0), ENOTFOUND);
    CHECK_EQ(service_call2(&timers, TIMER_REQUEST_TIMER, 1000, timer.number | 1ul << 40), EPARAM);
    CHECK_EQ(service_call2(&timers, TIMER_REQUEST_TIMER, 1, timer.number | TIMER_PERIODIC), EPARAM);
    CHECK_EQ(service_call1(&timers, TIMER_FREE, timer.number + (1ul << 32)), ENOTFOUND);
    CHECK_EQ(service_call0(&timers, 99), EPROTO);
    CHECK_EQ(timer_request(&timer, ~0ul, false), SUCCESS);
    CHECK_EQ(timer_request(&timer, ~0ul, true), SUCCESS);
    CHECK_EQ(hc_sm_down(timer.sm, deadline_in_us(20000)), ETIMEOUT);
}

static void thousand_timers_fire_in_order_and_are_charged(void)
{
    enum { MANY = 1000 };
    static struct timer many[MANY];
    static struct service_client rich;
    struct service_quota quota = {320 * 1024, 1100};
    CHECK_EQ(service_init(&rich, "timer", "", "", quota), SUCCESS);
    rich.fixed = true;
    for (unsigned i = 0; i < MANY; i++)
        CHECK_EQ(timer_clone(&many[i], &rich), SUCCESS);
    for (unsigned i = 0; i < MANY; i++)
        CHECK_EQ(timer_request(&many[i], 1000 + i * 7919 % MANY * 100, false), SUCCESS);
    for (unsigned i = 0; i < MANY; i++)
        CHECK_EQ(timer_wait(&many[i]), SUCCESS);
    unsigned made = MANY;
    static struct timer extra[2000];
    error_t error = SUCCESS;
    for (made = 0; made < 2000 && !error; made++)
        error = timer_clone(&extra[made], &rich);
    CHECK_EQ(error, ERESOURCE);
    for (unsigned i = 0; i < MANY; i++)
        timer_free(&many[i]);
    CHECK_EQ(timer_clone(&many[0], &rich), SUCCESS);
    service_close(&rich);
    CHECK_EQ(hc_sm_down(many[0].sm, deadline_in_us(1000000)) == ETIMEOUT, 0);
}

static void two_threads_one_session(void);
static struct timer second;
static volatile error_t second_result;
static volatile u64 second_took;
static void sleeper(void *unused)
{
    (void)unused;
    u64 before = now_us();
    second_result = timer_sleep(&second, 50000);
    second_took = now_us() - before;
}
static void two_threads_one_session(void)
{
    static struct thread thread;
    CHECK_EQ(timer_clone(&second, &timers), SUCCESS);
    CHECK_EQ(thread_create(&thread, hip()->cpu_count - 1, 50, "sleeper", sleeper, NULL), SUCCESS);
    CHECK_EQ(timer_sleep(&timer, 10000), SUCCESS);
    thread_join(&thread);
    CHECK_EQ(second_result, SUCCESS);
    CHECK(second_took >= 50000);
}

static error_t kill_timer(void)
{
    static struct service_client control;
    struct service_quota none = {0, 0};
    error_t error = service_init(&control, "init", "", "", none);
    if (error)
        return error;
    error = control_kill(&control, "timer");
    print("  kill: %s\n", error_name(error));
    print("  start: %s\n", error_name(control_start(&control, "timer")));
    service_close(&control);
    return error;
}

static void sleep_survives_the_servers_death(void)
{
    static struct thread thread;
    CHECK_EQ(thread_create(&thread, 0, 50, "sleeper", sleeper, NULL), SUCCESS);
    CHECK_EQ(timer_sleep(&timer, 10000), SUCCESS);
    CHECK_EQ(kill_timer(), SUCCESS);
    CHECK_EQ(timer_sleep(&timer, 30000), SUCCESS);
    thread_join(&thread);
    CHECK_EQ(second_result, SUCCESS);
    CHECK(second_took >= 50000);
    print("  slept %lu us over it\n", second_took);
    timer_free(&second);
}

static void serial_takes_and_gives(void)
{
    static struct service_client serial;
    struct service_quota none = {0, 0};
    struct msg m;
    char line[] = "  serial: written by a client of its own\n", read[64];
    sel_t sm = selector_alloc();
    CHECK_EQ(service_init(&serial, "serial", "", "", none), SUCCESS);
    service_begin(&serial, &m, SERIAL_OPEN);
    utcb()->window = crd(CRD_OBJ, sm, 0, RIGHT_ALL);
    CHECK_EQ(service_call(&serial, &m), SUCCESS);
    utcb()->window = 0;
    CHECK(crd_kind(msg_get_item(&m).crd) == CRD_OBJ);
    service_begin(&serial, &m, SERIAL_WRITE);
    msg_put_bytes(&m, line, sizeof(line) - 1);
    CHECK_EQ(service_call(&serial, &m), SUCCESS);
    CHECK_EQ(msg_get_word(&m), sizeof(line) - 1);
    print("  waiting for input\n");
    error_t error = hc_sm_down(sm, deadline_in_us(60000000));
    CHECK_EQ(error, SUCCESS);
    service_begin(&serial, &m, SERIAL_READ);
    msg_put_word(&m, 5);
    CHECK_EQ(service_call(&serial, &m), SUCCESS);
    size_t length = msg_get_bytes(&m, read, sizeof(read));
    print("  input: %lu bytes \"%.*s\"\n", length, (int)length, read);
    CHECK(length == 5);
    CHECK_EQ(hc_sm_down(sm, deadline_in_us(1000000)), SUCCESS); // there is more
    service_begin(&serial, &m, SERIAL_READ);
    msg_put_word(&m, 1000);
    CHECK_EQ(service_call(&serial, &m), SUCCESS);
    length = msg_get_bytes(&m, read, sizeof(read));
    print("  then %lu bytes\n", length);
    CHECK(length > 0);
    for (unsigned i = 0; i < 30; i++) {
        char big[1200];
        for (unsigned j = 0; j < sizeof(big); j++)
            big[j] = j == sizeof(big) - 1 ? '\n' : 'A' + i % 26;
        service_begin(&serial, &m, SERIAL_WRITE);
        msg_put_bytes(&m, big, sizeof(big));
        CHECK_EQ(service_call(&serial, &m), SUCCESS);
        CHECK_EQ(msg_get_word(&m), sizeof(big));
    }
    service_close(&serial);
}

int main(void)
{
    static struct service_client power;
    struct service_quota none = {0, 0};
    RUN(sleep_takes_as_long_as_asked);
    RUN(time_goes_on_and_is_of_this_century);
    RUN(absolute_timers_fire_and_past_ones_at_once);
    RUN(disarmed_timer_stays_silent);
    RUN(periodic_timer_fires_again_and_again);
    RUN(nonsense_is_refused);
    RUN(thousand_timers_fire_in_order_and_are_charged);
    RUN(two_threads_one_session);
    RUN(sleep_survives_the_servers_death);
    RUN(serial_takes_and_gives);
    (void)!timer_open(&timer, &timers);
    TESTS_DONE();
    (void)!timer_sleep(&timer, 500000);
    if (!service_init(&power, "power", "", "", none))
        print("off: %s\n", error_name(service_call0(&power, POWER_OFF)));
    return 0;
}
