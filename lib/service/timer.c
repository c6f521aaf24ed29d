// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Client of "timer" (timer.h). A server that was started again knows none of our timers, and its
// semaphores are gone with it: requests are answered with ENOTFOUND, and a down ends with EABORT. A
// request then makes the timer anew, as a clone, since the session's first may be another thread's.
//
// A semaphore may have been upped for an earlier request that was replaced before anybody waited,
// so timer_sleep looks at the clock.
#include "lib/service/timer.h"
#include "lib/rt/dry.h"
#include "lib/rt/selector.h"
#include "lib/rt/tsc.h"

enum {
    TRIES_MAX = 100,
};

// `operation` is OPEN or CLONE: fills the timer's selector, which is empty, and its number.
static error_t timer_make(struct timer *timer, word_t operation)
{
    struct msg m;
    service_begin(timer->client, &m, operation);
    crd_t old = utcb()->window, old2 = utcb()->window2;
    utcb()->window = crd(CRD_OBJ, timer->sm, 0, RIGHT_ALL);
    utcb()->window2 = 0;
    error_t error = service_call(timer->client, &m);
    utcb()->window = old;
    utcb()->window2 = old2;
    if (error)
        return error;
    timer->number = msg_get_word(&m);
    if (msg_error(&m))
        return EPROTO;
    return crd_kind(msg_get_item(&m).crd) ? SUCCESS : rt_refused(EMEM);
}

static error_t timer_create(struct timer *timer, struct service_client *client, word_t operation)
{
    *timer = (struct timer){.client = client, .sm = selector_alloc()};
    if (timer->sm == SEL_NONE)
        return ERESOURCE;
    error_t error = timer_make(timer, operation);
    if (error) {
        selector_drop(timer->sm);
        timer->sm = SEL_NONE;
    }
    return error;
}

error_t timer_open(struct timer *timer, struct service_client *client)
{
    struct service_quota quota = {0, 0}; // it learns what the timers cost
    error_t error = service_init(client, "timer", "", "", quota);
    if (error)
        return error;
    error = timer_create(timer, client, TIMER_OPEN);
    if (error)
        service_close(client);
    return error;
}

error_t timer_clone(struct timer *timer, struct service_client *client)
{
    return timer_create(timer, client, TIMER_CLONE);
}

error_t timer_request(struct timer *timer, u64 us, bool absolute)
{
    word_t which = timer->number | (absolute ? TIMER_ABSOLUTE : 0);
    if (timer->sm == SEL_NONE)
        return EPARAM;
    error_t error = service_call2(timer->client, TIMER_REQUEST_TIMER, us, which);
    if (error != ENOTFOUND)
        return error;
    hc_drop(timer->sm);
    error = timer_make(timer, TIMER_CLONE);
    if (error)
        return error;
    which = timer->number | (absolute ? TIMER_ABSOLUTE : 0);
    return service_call2(timer->client, TIMER_REQUEST_TIMER, us, which);
}

error_t timer_wait(struct timer *timer)
{
    error_t error = hc_sm_down(timer->sm, DEADLINE_NEVER);
    return error == ECAP ? EABORT : error;
}

error_t timer_sleep(struct timer *timer, u64 us)
{
    u64 end = deadline_in_us(us), now;
    unsigned tries = 0;
    while ((now = rdtsc()) < end) {
        // One more than what is left, rounded down: not to ask for 0, which would disarm.
        error_t error = timer_request(timer, tsc_to_us(end - now) + 1, false);
        if (!error)
            error = timer_wait(timer);
        if (error && (error != EABORT || ++tries >= TRIES_MAX))
            return error;
    }
    return SUCCESS;
}

error_t timer_time(struct service_client *client, u64 *since_start, u64 *wall_clock)
{
    word_t w[4] = {0};
    error_t error = service_call_words(client, TIMER_REQUEST_TIME, w);
    if (error)
        return error;
    if (since_start)
        *since_start = w[1];
    if (wall_clock)
        *wall_clock = w[2];
    return SUCCESS;
}

void timer_free(struct timer *timer)
{
    if (timer->sm == SEL_NONE)
        return;
    (void)!service_call1(timer->client, TIMER_FREE, timer->number);
    selector_drop(timer->sm);
    timer->sm = SEL_NONE;
}
