// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Semaphore and mutex (sync.h). test/models/semaphore.pml is the SPIN model of down, up and the
// withdrawal of a waiter whose time is up.
//
// A waiter has lowered the counter below zero before it enters the kernel, so every up that sees a
// negative counter owes one kernel up, whether that waiter has arrived there yet or not: the
// kernel's counter keeps it.
#include "lib/rt/sync.h"
#include "lib/rt/assert.h"
#include "lib/rt/dry.h"
#include "lib/rt/locks.h"
#include "lib/rt/selector.h"

error_t semaphore_create(u64 initial, sel_t *out)
{
    *out = SEL_NONE;
    sel_t sel = selector_alloc();
    if (sel == SEL_NONE)
        return ERESOURCE;
    error_t error = hc_create_sm(sel, initial, SEL_PD);
    if (error) {
        selector_free(sel);
        return rt_refused(error);
    }
    *out = sel;
    return SUCCESS;
}

error_t semaphore_prepare(struct semaphore *s)
{
    if (__atomic_load_n(&s->sm, __ATOMIC_ACQUIRE))
        return SUCCESS;
    sel_t sel;
    error_t error = semaphore_create(0, &sel);
    if (error)
        return error;
    u32 none = 0;
    if (!__atomic_compare_exchange_n(&s->sm, &none, sel, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        selector_drop(sel); // somebody else was faster
    return SUCCESS;
}

void semaphore_destroy(struct semaphore *s)
{
    u32 sel = __atomic_exchange_n(&s->sm, 0, __ATOMIC_ACQ_REL);
    if (sel)
        selector_drop(sel);
}

bool semaphore_try(struct semaphore *s)
{
    i32 count = __atomic_load_n(&s->count, __ATOMIC_RELAXED);
    while (count > 0) {
        if (__atomic_compare_exchange_n(&s->count, &count, count - 1, true, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED))
            return true;
    }
    return false;
}

// Gives up waiting. False if an up has counted us among its waiters already: then its kernel up is
// ours.
static bool withdraw(struct semaphore *s)
{
    i32 count = __atomic_load_n(&s->count, __ATOMIC_RELAXED);
    while (count < 0) {
        if (__atomic_compare_exchange_n(&s->count, &count, count + 1, true, __ATOMIC_RELAXED,
                                        __ATOMIC_RELAXED))
            return true;
    }
    return false;
}

// The counter has been lowered, to below zero.
static error_t wait_in_kernel(struct semaphore *s, u64 deadline)
{
    error_t error = semaphore_prepare(s);
    if (!error)
        error = hc_sm_down(s->sm, deadline);
    if (!error || withdraw(s))
        return error;
    return hc_sm_down(s->sm, DEADLINE_NEVER); // will not wait long: that up is on its way
}

error_t semaphore_down(struct semaphore *s, u64 deadline)
{
    if (LIKELY(__atomic_fetch_sub(&s->count, 1, __ATOMIC_ACQUIRE) > 0))
        return SUCCESS;
    return wait_in_kernel(s, deadline);
}

// Somebody waits, or is about to.
void semaphore_up_slow(struct semaphore *s)
{
    error_t error = semaphore_prepare(s);
    if (!error)
        error = hc_sm_up(s->sm);
    if (UNLIKELY(error))
        rt_panic(
            "a semaphore cannot wake its waiter: %s; semaphore_prepare would have told in time\n",
            error_name(error));
}

u64 rt_mutex_waits;

void mutex_lock_slow(struct mutex *m)
{
    __atomic_fetch_add(&rt_mutex_waits, 1, __ATOMIC_RELAXED);
    error_t error = wait_in_kernel(&m->semaphore, DEADLINE_NEVER);
    if (UNLIKELY(error))
        rt_panic("a mutex cannot wait: %s; mutex_prepare would have told in time\n",
                 error_name(error));
}
