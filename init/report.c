// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// init's state as a report "state" to a service "report", of its parent or of a child (init.h;
// doc/report.md). A thread of its own sends it, since the server may take as long as it likes, and
// waits `report_delay` after each, so that many changes make one report. What has not changed is
// not sent again.
#include "init/init.h"
#include "lib/rt/heap.h"
#include "lib/rt/string.h"
#include "lib/rt/tsc.h"
#include "lib/service/rom_watch.h"

enum {
    TEXT_MAX = 24 * 1024,
    DONATION = 2 * (TEXT_MAX + 2 * PAGE_SIZE), // the one there is, and the next
    REPORTER_PRIORITY = 64,
    AGAIN_US = 1000000, // after a failure
};

static struct thread reporter;
static sel_t changed = SEL_NONE, never; // upped at changes; a semaphore to sleep at
static u32 pending;                     // a change is not seen yet: no further up is needed
static u64 delay_us;
static u32 what;
static char route[CONFIG_NAME_MAX]; // whom the session was opened at
static bool wanted, moved;

void report_changed(void)
{
    if (changed != SEL_NONE && !__atomic_exchange_n(&pending, 1, __ATOMIC_ACQ_REL))
        hc_sm_up(changed);
}

static bool send(struct service_client *session, char *text, char *sent, size_t *sent_length)
{
    size_t length = state_text(text, TEXT_MAX, 0, what);
    if (length > TEXT_MAX)
        length = TEXT_MAX;
    if (length == *sent_length && !memcmp(text, sent, length))
        return true;
    error_t error = report_write(session, text, length);
    if (!error) {
        memcpy(sent, text, length);
        *sent_length = length;
    } else {
        *sent_length = 0; // another life of the server has nothing
    }
    return !error;
}

static void run(void *argument)
{
    (void)argument;
    static char text[TEXT_MAX], sent[TEXT_MAX];
    struct service_client session = SERVICE_CLIENT_NONE;
    size_t sent_length = 0;
    for (;;) {
        u64 taken, deadline = DEADLINE_NEVER;
        if (__atomic_exchange_n(&moved, false, __ATOMIC_ACQ_REL)) {
            service_close(&session);
            sent_length = 0;
        }
        __atomic_store_n(&pending, 0, __ATOMIC_RELEASE);
        if (!wanted)
            service_close(&session);
        else if (session.base == SEL_NONE && self_service_init(&session, "report", "", "state",
                                                               (struct service_quota){DONATION, 0}))
            deadline = deadline_in_us(AGAIN_US);
        if (wanted && session.base != SEL_NONE && !send(&session, text, sent, &sent_length)) {
            service_close(&session);
            deadline = deadline_in_us(AGAIN_US);
        }
        (void)!hc_sm_down(never, deadline_in_us(delay_us));
        (void)!hc_sm_down_zero(changed, deadline, &taken);
    }
}

void report_configure(void)
{
    mutex_lock(&parent.lock);
    bool was = wanted;
    wanted = config.report;
    delay_us = config.report_delay_us;
    what = config.report_what;
    if (was && wanted && strcmp(route, config.report_to) != 0)
        __atomic_store_n(&moved, true, __ATOMIC_RELEASE);
    strlcpy(route, wanted ? config.report_to : "", sizeof(route));
    parent_unlock(&parent);
    if (!wanted || changed != SEL_NONE)
        return;
    sel_t sm = SEL_NONE;
    error_t error = semaphore_create(0, &never);
    if (!error)
        error = semaphore_create(0, &sm);
    if (!error)
        error = thread_create(&reporter, thread_cpu(), REPORTER_PRIORITY, "reporter", run, NULL);
    if (error)
        print("init: the state is not reported: %s\n", error_name(error));
    else
        changed = sm;
}
