// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Client of the timer service (000_7d6c79716bf8d028.txt, TimerService): each struct timer is one
// timer with a semaphore that it shares with the server, for one thread.
#pragma once

#include "lib/service/client.h"

struct timer {
    struct service_client *client;
    word_t number;
    sel_t sm;
};

// Opens a session (client: initialised here) and its first timer.
MUST_CHECK error_t timer_open(struct timer *timer, struct service_client *client);
// Another timer of the same session, for another thread.
MUST_CHECK error_t timer_clone(struct timer *timer, struct service_client *client);
// Arms: fires in `us` microseconds, or at that time since start (absolute).
MUST_CHECK error_t timer_request(struct timer *timer, u64 us, bool absolute);
// Waits until it fires.
MUST_CHECK error_t timer_wait(struct timer *timer);
// timer_request and timer_wait; repeats if the service died meanwhile.
MUST_CHECK error_t timer_sleep(struct timer *timer, u64 us);
// Microseconds since start, and since 1970 (either may be NULL).
MUST_CHECK error_t timer_time(struct service_client *client, u64 *since_start, u64 *wall_clock);
// Frees the timer's selector; the session stays.
void timer_free(struct timer *timer);
