// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// A kernel for host tests of lib/rt: semaphores by pthreads, selectors that can be occupied or not,
// UTCBs per thread. A deadline is in nanoseconds of CLOCK_MONOTONIC. Include first; then the
// sources under test.
#pragma once

#define RT_HOST_TEST
#include "lib/rt/hypercall.h"
#include "lib/rt/start.h"
#include "lib/rt/utcb.h"
#include "test/host/check.h"
#include <pthread.h>
#include <time.h>

enum { HOST_SELECTORS = 4096 };
static struct {
    bool live;
    u64 counter;
    unsigned waiting;
    unsigned taken_back; // how often it was revoked from others and kept
    pthread_cond_t changed;
} host_sm[HOST_SELECTORS];
static pthread_mutex_t host_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned long host_hypercalls;                         // how many there were
static bool host_out_of_kmem;                                 // create_sm fails
static unsigned host_sm_live, host_sm_limit = HOST_SELECTORS; // there are, there can be
static void (*host_after_timeout)(void); // runs between a deadline's passing and the return of down

static _Thread_local struct utcb host_utcb;
static struct hip host_hip = {.cpu_count = 1, .tsc_khz = 1000000};

struct utcb *utcb(void)
{
    return &host_utcb;
}

const struct hip *hip(void)
{
    return &host_hip;
}

static error_t host_down(sel_t sel, u64 deadline)
{
    error_t error = SUCCESS;
    struct timespec until = {.tv_sec = (time_t)(deadline / 1000000000),
                             .tv_nsec = (long)(deadline % 1000000000)};
    host_sm[sel].waiting++;
    while (host_sm[sel].live && !host_sm[sel].counter && !error) {
        if (!deadline)
            pthread_cond_wait(&host_sm[sel].changed, &host_lock);
        else if (pthread_cond_timedwait(&host_sm[sel].changed, &host_lock, &until))
            error = ETIMEOUT;
    }
    host_sm[sel].waiting--;
    if (host_sm[sel].counter) {
        host_sm[sel].counter--;
        return SUCCESS;
    }
    return error ? error : EABORT;
}

static error_t host_create_sm(sel_t sel, u64 initial)
{
    pthread_condattr_t attributes;
    if (host_out_of_kmem || host_sm_live >= host_sm_limit)
        return EMEM;
    if (sel >= HOST_SELECTORS || host_sm[sel].live)
        return EBUSY;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&host_sm[sel].changed, &attributes);
    host_sm_live++;
    host_sm[sel].live = true;
    host_sm[sel].counter = initial;
    return SUCCESS;
}

static error_t host_hypercall(enum hypercall number, word_t a0, word_t a1, word_t a2)
{
    sel_t sel = number == HC_revoke ? (sel_t)crd_base(a1) : (sel_t)a0;
    if (number == HC_create_sm)
        return host_create_sm(sel, a1);
    if (sel >= HOST_SELECTORS || !host_sm[sel].live)
        return ECAP;
    if (number == HC_revoke && !(a2 & REVOKE_SELF)) {
        host_sm[sel].taken_back++;
        return SUCCESS;
    }
    if (number == HC_revoke) {
        host_sm_live--;
        host_sm[sel].live = false;
        pthread_cond_broadcast(&host_sm[sel].changed);
        return SUCCESS;
    }
    if (number != HC_sm_ctrl)
        return ESYS;
    if (a1 == SM_OP_DOWN)
        return host_down(sel, a2);
    host_sm[sel].counter++;
    pthread_cond_signal(&host_sm[sel].changed);
    return SUCCESS;
}

error_t hc_raw(enum hypercall number, word_t a0, word_t a1, word_t a2, word_t a3, word_t a4,
               word_t a5, word_t *second)
{
    (void)a3, (void)a4, (void)a5;
    *second = 0;
    pthread_mutex_lock(&host_lock);
    host_hypercalls++;
    error_t error = host_hypercall(number, a0, a1, a2);
    pthread_mutex_unlock(&host_lock);
    if (error == ETIMEOUT && host_after_timeout)
        host_after_timeout();
    return error;
}

static inline u64 host_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (u64)now.tv_sec * 1000000000 + (u64)now.tv_nsec;
}
