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
    u32 sel = __atomic_exchange_n(&s->sm, 0, __ATOMIC_ACQ_REL) & ~(u32)MUTEX_KEEPS;
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

// Mutexes. Their kernel semaphores come and go, unless they are prepared. While one has been lent
// the counter is LENT lower, so that all who lock and unlock come here. It is put in by who waits
// or wakes, while the counter tells that somebody does, and taken out by who unlocks and finds the
// mutex free, in one step with the counter's being 1. In between it stays the same.
u64 rt_mutex_waits;

enum { SPARES_DEFAULT = 8 };
__attribute__((weak)) u32 rt_mutex_spares[SPARES_DEFAULT];
__attribute__((weak)) u32 rt_mutex_spares_max = SPARES_DEFAULT;

static sel_t spare_take(void)
{
    for (u32 i = 0; i < rt_mutex_spares_max; i++) {
        u32 sel = __atomic_load_n(&rt_mutex_spares[i], __ATOMIC_RELAXED);
        if (sel && (sel = __atomic_exchange_n(&rt_mutex_spares[i], 0, __ATOMIC_ACQUIRE)))
            return sel;
    }
    return SEL_NONE;
}

static bool spare_put(sel_t sel)
{
    for (u32 i = 0; i < rt_mutex_spares_max; i++) {
        u32 none = 0;
        if (!__atomic_load_n(&rt_mutex_spares[i], __ATOMIC_RELAXED) &&
            __atomic_compare_exchange_n(&rt_mutex_spares[i], &none, sel, false, __ATOMIC_RELEASE,
                                        __ATOMIC_RELAXED))
            return true;
    }
    return false;
}

static void spare_return(sel_t sel)
{
    if (!spare_put(sel))
        selector_drop(sel);
}

error_t mutex_spares(unsigned count)
{
    error_t error = SUCCESS;
    for (u32 i = 0; i < rt_mutex_spares_max; i++)
        count -= count && rt_mutex_spares[i];
    while (count-- && !error) {
        sel_t sel;
        error = semaphore_create(0, &sel);
        if (!error && !spare_put(sel)) {
            selector_drop(sel);
            break;
        }
    }
    return error;
}

enum { LENT = 1 << 30 };

static struct semaphore state_of(struct mutex *m)
{
    u64 both = __atomic_load_n((u64 *)(void *)m, __ATOMIC_ACQUIRE);
    struct semaphore state;
    __builtin_memcpy(&state, &both, sizeof(both));
    return state;
}

static bool change(struct mutex *m, struct semaphore from, struct semaphore to)
{
    u64 old, new;
    __builtin_memcpy(&old, &from, sizeof(old));
    __builtin_memcpy(&new, &to, sizeof(new));
    return __atomic_compare_exchange_n((u64 *)(void *)m, &old, new, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_RELAXED);
}

error_t mutex_prepare(struct mutex *m)
{
    for (;;) {
        struct semaphore now = state_of(m);
        sel_t sel = now.sm;
        if (now.sm & MUTEX_KEEPS)
            return SUCCESS;
        error_t error = now.sm ? SUCCESS : semaphore_create(0, &sel);
        if (error)
            return error;
        if (change(m, now, (struct semaphore){now.count + (now.sm ? LENT : 0), sel | MUTEX_KEEPS}))
            return SUCCESS;
        if (!now.sm)
            selector_drop(sel);
    }
}

// The kernel semaphore of a mutex for which somebody waits.
static error_t waiting_at(struct mutex *m, sel_t *out)
{
    sel_t sel = SEL_NONE;
    error_t error = SUCCESS;
    struct semaphore now = state_of(m);
    for (; !now.sm && !error; now = state_of(m)) {
        if (sel == SEL_NONE && (sel = spare_take()) == SEL_NONE)
            error = semaphore_create(0, &sel);
        if (!error && change(m, now, (struct semaphore){now.count - LENT, sel})) {
            *out = sel;
            return SUCCESS;
        }
    }
    if (sel != SEL_NONE)
        spare_return(sel); // somebody else was faster
    *out = now.sm & ~(u32)MUTEX_KEEPS;
    return now.sm ? SUCCESS : error;
}

void mutex_lock_slow(struct mutex *m)
{
    sel_t sel;
    __atomic_fetch_add(&rt_mutex_waits, 1, __ATOMIC_RELAXED);
    error_t error = waiting_at(m, &sel);
    if (!error)
        error = hc_sm_down(sel, DEADLINE_NEVER);
    if (UNLIKELY(error))
        rt_panic("a mutex cannot wait: %s; mutex_prepare or mutex_spares would have told in time\n",
                 error_name(error));
}

// The counter has been raised. Who sees LENT + 1 there and takes it for locked waits already.
void mutex_unlock_slow(struct mutex *m)
{
    for (struct semaphore now = state_of(m); now.count == 1 - LENT; now = state_of(m)) {
        if (change(m, now, (struct semaphore){1, 0})) {
            spare_return(now.sm);
            return;
        }
    }
    sel_t sel;
    error_t error = waiting_at(m, &sel);
    if (!error)
        error = hc_sm_up(sel);
    if (UNLIKELY(error))
        rt_panic("a mutex cannot wake its waiter: %s; mutex_prepare or mutex_spares would have "
                 "told in time\n",
                 error_name(error));
}
