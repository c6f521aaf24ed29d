// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Semaphores and portals: the two small objects.
#pragma once

#include "kernel/ec.h"
#include "kernel/spinlock.h"

enum sm_closed { SM_DEAD = 1, SM_BOUND = 2 };

struct sm {
    struct object object;
    struct spinlock lock;
    u8 closed; // enum sm_closed: nobody may wait at it
    u64 counter;
    struct ec *head, **tail; // waiting ECs, of any CPU; signal_mark if it is bound
    u32 gsi;                 // of an interrupt's semaphore, else ~0
    u32 refs;                // 1 + the contexts bound to it
    struct sm *pending;      // its contexts that have counted
    struct sm **pending_tail;
    // Of a context, but for `receiver` under the receiver's lock:
    u32 identity, count;
    struct sm *receiver;
    struct sm *pending_next, **pending_link; // pending_link: NULL if it is not pending
};

struct pt {
    struct object object;
    struct ec *ec; // &dead_ec once its EC is gone
    u64 ip, id;
    u32 mtd;
    struct pt *next, **link; // ec->portals
};

// Whether a delegation that means this life of an object (crd.h, item_delegate_life) may happen.
// With the locks that delegating needs: who changes the life and then revokes misses none.
static inline bool object_lives(const struct object *object, u32 life)
{
    if (LIKELY(!life) || object->dying)
        return !object->dying;
    if (object->type == OBJ_SM)
        return (u32)((const struct sm *)(const void *)object)->counter == life;
    return object->type == OBJ_PT && ((const struct pt *)(const void *)object)->id >> 32 == life;
}
struct sm *sm_create(struct pd *payer, u64 initial, u32 *error);
struct pt *pt_create(struct pd *payer, struct ec *ec, u64 ip, u32 mtd, u32 *error);
// Wakes the first waiter, or counts.
void sm_up(struct sm *sm);
// From entry.S, with sm->lock held: wakes the first waiter. Not 0: another thread may be due, so
// exit_yield.
u64 sm_wake_locked(struct sm *sm);
// The current EC waits, until `deadline` if that is not 0. Returns as exit_block.
struct ec *sm_wait_locked(struct sm *sm, struct ec *current, u64 deadline);
// The end of a down that must wait: unlocks sm->lock.
void sm_enqueue(struct sm *sm, struct ec *ec, u64 deadline);
// Takes an EC that waits out of the queue because its deadline passed or it dies; false if it had
// left already.
bool sm_cancel(struct ec *ec);
void sm_destroy(struct sm *sm);
// Gives up a reference; the last one frees it after a grace period.
void sm_put(struct sm *sm);
// Ends the waiting of an EC that was taken out of a queue.
void sm_wake(struct ec *ec, u64 error, u64 value);
// Under sm->lock: takes the first waiter out.
struct ec *sm_dequeue_first(struct sm *sm);
static inline u32 sm_closed_error(const struct sm *sm)
{
    return sm->closed & SM_DEAD ? EABORT : EPARAM;
}
void pt_destroy(struct pt *pt);
