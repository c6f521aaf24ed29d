// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Timer, serial and power as a client sees them. The last test turns the machine off, so `test:
// DONE` stands before it.
#include "test/system/check.h"
#include "lib/rt/selector.h"
#include "lib/rt/start.h"
#include "lib/rt/string.h"
#include "lib/rt/thread.h"
#include "lib/rt/tsc.h"
#include "lib/service/control.h"
#include "lib/service/env.h"
#include "lib/service/timer.h"
#include "test/system/wait.h"

static struct service_client timers;
static struct timer timer;

static u64 now_us(void)
{
    return tsc_to_us(rdtsc());
}

// Nothing here asks that something comes soon after it is due: test/system/exact does.
static void sleep_takes_as_long_as_asked(void)
{
    CHECK_EQ(timer_open(&timer, &timers), SUCCESS);
    for (u64 us = 100; us <= 100000; us *= 10) {
        u64 before = now_us();
        CHECK_EQ(timer_sleep(&timer, us), SUCCESS);
        u64 took = now_us() - before;
        print("  asked %lu us, took %lu us\n", us, took);
        CHECK(took >= us - 1);
    }
}

// What the timer's clocks show, and when by ours: between the two.
struct reading {
    u64 since_start, wall, earliest, latest;
};
static error_t take(struct reading *r)
{
    r->earliest = now_us();
    error_t error = timer_time(&timers, &r->since_start, &r->wall);
    r->latest = now_us();
    return error;
}
static bool as_ours(u64 passed, const struct reading *first, const struct reading *last)
{
    return passed + 2 >= last->earliest - first->latest &&
           passed <= last->latest - first->earliest + 2; // each is rounded
}

static void time_goes_on_and_is_of_this_century(void)
{
    struct reading first, last;
    CHECK_EQ(take(&first), SUCCESS);
    CHECK_EQ(timer_sleep(&timer, 20000), SUCCESS);
    CHECK_EQ(take(&last), SUCCESS);
    CHECK(last.since_start - first.since_start >= 20000);
    CHECK(as_ours(last.since_start - first.since_start, &first, &last));
    CHECK(as_ours(last.wall - first.wall, &first, &last));
    print("  wall clock: %lu s since 1970\n", first.wall / 1000000);
    CHECK(first.wall > 1704067200ul * 1000000 && first.wall < 4102444800ul * 1000000);
}

static void absolute_timers_fire_and_past_ones_at_once(void)
{
    u64 start, after;
    CHECK_EQ(timer_time(&timers, &start, NULL), SUCCESS);
    CHECK_EQ(timer_request(&timer, start + 30000, true), SUCCESS);
    CHECK_EQ(timer_wait(&timer), SUCCESS);
    CHECK_EQ(timer_time(&timers, &after, NULL), SUCCESS);
    CHECK(after >= start + 30000);
    CHECK_EQ(timer_request(&timer, 0, true), SUCCESS);
    CHECK_EQ(timer_wait(&timer), SUCCESS);
    CHECK_EQ(timer_request(&timer, start, true), SUCCESS);
    CHECK_EQ(timer_wait(&timer), SUCCESS);
}

// Again if so much time has passed before it was disarmed that it may have fired.
static void disarmed_timer_stays_silent(void)
{
    enum { FIRES_US = 20000 };
    u64 begin, disarmed, taken;
    do {
        (void)!hc_sm_down_zero(timer.sm, 1, &taken);
        begin = now_us();
        CHECK_EQ(timer_request(&timer, FIRES_US, false), SUCCESS);
        CHECK_EQ(timer_request(&timer, 0, false), SUCCESS);
        disarmed = now_us();
    } while (disarmed - begin >= FIRES_US);
    CHECK_EQ(hc_sm_down(timer.sm, deadline_in_us(3 * FIRES_US)), ETIMEOUT);
}

static void periodic_timer_fires_again_and_again(void)
{
    u64 before = now_us(), taken;
    CHECK_EQ(service_call2(&timers, TIMER_REQUEST_TIMER, 5000, timer.number | TIMER_PERIODIC),
             SUCCESS);
    for (unsigned i = 0; i < 10; i++)
        CHECK_EQ(timer_wait(&timer), SUCCESS);
    CHECK(now_us() - before >= 49999);
    CHECK_EQ(timer_request(&timer, 0, false), SUCCESS);
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
    error = hc_sm_down(many[0].sm, deadline_in_us(PATIENCE_US));
    CHECK(error == EABORT || error == ECAP); // it is gone, or was
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

static struct service_client serial;
static sel_t input; // up while there is some

// READs at most `most` bytes, when there are some. *length: how many came.
static error_t serial_read(char *bytes, size_t most, size_t *length)
{
    struct msg m;
    error_t error = hc_sm_down(input, deadline_in_us(60000000));
    if (error)
        return error;
    service_begin(&serial, &m, SERIAL_READ);
    msg_put_word(&m, most);
    error = service_call(&serial, &m);
    if (error)
        return error;
    *length = msg_get_bytes(&m, bytes, most);
    return msg_error(&m);
}

// The driver takes what fits when it has waited for room long enough: the rest is sent again.
static error_t serial_write(const char *bytes, size_t length)
{
    for (u64 end = deadline_in_us(PATIENCE_US); length && rdtsc() < end;) {
        struct msg m;
        service_begin(&serial, &m, SERIAL_WRITE);
        msg_put_bytes(&m, bytes, length);
        error_t error = service_call(&serial, &m);
        size_t taken = error ? 0 : msg_get_word(&m);
        if (error || taken > length)
            return error ? error : EPROTO;
        bytes += taken;
        length -= taken;
    }
    return length ? ETIMEOUT : SUCCESS;
}

// Whoever types is not asked to do it at once: bytes come one by one, or together.
static void serial_takes_and_gives(void)
{
    static const char typed[] = "hello world, this is typed\r";
    struct service_quota none = {0, 0};
    struct msg m;
    char line[] = "  serial: written by a client of its own\n", read[64];
    size_t length = 0, more = 0;
    input = selector_alloc();
    CHECK_EQ(service_init(&serial, "serial", "", "", none), SUCCESS);
    service_begin(&serial, &m, SERIAL_OPEN);
    utcb()->window = crd(CRD_OBJ, input, 0, RIGHT_ALL);
    CHECK_EQ(service_call(&serial, &m), SUCCESS);
    utcb()->window = 0;
    CHECK(crd_kind(msg_get_item(&m).crd) == CRD_OBJ);
    CHECK_EQ(serial_write(line, sizeof(line) - 1), SUCCESS);
    print("  waiting for input\n");
    while (length < 5) {
        CHECK_EQ(serial_read(read + length, 5 - length, &more), SUCCESS);
        length += more;
    }
    print("  input: \"%.*s\"\n", (int)length, read);
    while (length < sizeof(typed) - 1) { // there is more
        CHECK_EQ(serial_read(read + length, sizeof(read) - length, &more), SUCCESS);
        length += more;
    }
    print("  then %lu bytes\n", length - 5);
    CHECK_EQ(length, sizeof(typed) - 1);
    CHECK(!memcmp(read, typed, length));
    for (unsigned i = 0; i < 30; i++) {
        char big[1200];
        for (unsigned j = 0; j < sizeof(big); j++)
            big[j] = j == sizeof(big) - 1 ? '\n' : 'A' + i % 26;
        CHECK_EQ(serial_write(big, sizeof(big)), SUCCESS);
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
