// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Signals (signal.h).
#include "kernel/signal.h"
#include "kernel/mapping.h"
#include <tessera/hypercall.h>

struct ec signal_mark = {.state = EC_DEAD, .cpu = 0xffff};

static void pending_remove(struct sm *receiver, struct sm *sm)
{
    *sm->pending_link = sm->pending_next;
    if (sm->pending_next)
        sm->pending_next->pending_link = sm->pending_link;
    else
        receiver->pending_tail = sm->pending_link;
    sm->pending_link = NULL;
}

// First in, first out: a context that counts all the time must not hide the others.
static void pending_append(struct sm *receiver, struct sm *sm)
{
    sm->pending_next = NULL;
    sm->pending_link = receiver->pending ? receiver->pending_tail : &receiver->pending;
    *sm->pending_link = sm;
    receiver->pending_tail = &sm->pending_next;
}

// Under both locks: `add` more, or all that there were before it was bound.
static struct ec *count(struct sm *sm, struct sm *receiver, u64 add, u64 *value)
{
    struct ec *ec = NULL;
    if (receiver->closed)
        return NULL;
    u64 room = SIGNAL_COUNT_MAX - sm->count;
    sm->count += (u32)(add < room ? add : room);
    if (!sm->pending_link && (ec = sm_dequeue_first(receiver))) {
        *value = sm->identity | (u64)sm->count << 32;
        sm->count = 0;
    } else if (!sm->pending_link) {
        pending_append(receiver, sm);
    }
    return ec;
}

struct ec *signal_up(struct sm *sm, u64 *value)
{
    struct sm *receiver = sm->receiver;
    spin_lock(&receiver->lock);
    struct ec *ec = count(sm, receiver, 1, value);
    spin_unlock(&receiver->lock);
    return ec;
}

bool signal_take(struct sm *receiver, u64 *value)
{
    struct sm *sm = receiver->pending;
    if (!sm)
        return false;
    pending_remove(receiver, sm);
    *value = sm->identity | (u64)sm->count << 32;
    sm->count = 0;
    return true;
}

// Under mapping_lock: whether a semaphore is a context, or has some, does not change meanwhile.
static u32 refusal(const struct sm *sm, const struct sm *receiver)
{
    if (sm == receiver || receiver->receiver)
        return EPARAM;
    if ((sm->closed | receiver->closed) & SM_DEAD)
        return EABORT;
    return sm->receiver || sm->head || sm->refs > 1 ? EBUSY : SUCCESS;
}

u32 signal_bind(struct sm *sm, struct sm *receiver, u32 identity)
{
    struct ec *ec = NULL;
    u64 value = 0;
    mapping_lock();
    spin_lock(&sm->lock);
    u32 error = refusal(sm, receiver);
    if (!error) {
        __atomic_fetch_add(&receiver->refs, 1, __ATOMIC_RELAXED);
        sm->receiver = receiver;
        sm->identity = identity;
        sm->count = 0;
        sm->pending_link = NULL;
        sm->head = &signal_mark;
        sm->closed = SM_BOUND;
        spin_lock(&receiver->lock);
        if (sm->counter)
            ec = count(sm, receiver, sm->counter, &value);
        spin_unlock(&receiver->lock);
        sm->counter = 0;
    }
    spin_unlock(&sm->lock);
    mapping_unlock();
    if (ec)
        sm_wake(ec, SUCCESS, value);
    return error;
}

void signal_unbind(struct sm *sm)
{
    struct sm *receiver = sm->receiver;
    spin_lock(&receiver->lock);
    if (sm->pending_link)
        pending_remove(receiver, sm);
    spin_unlock(&receiver->lock);
    sm->head = NULL;
    sm->tail = &sm->head;
    sm->receiver = NULL;
    sm_put(receiver);
}

void signal_reset(struct sm *sm)
{
    mapping_lock();
    spin_lock(&sm->lock);
    if (sm->receiver) {
        signal_unbind(sm);
        sm->closed = 0;
    }
    sm->counter = 0;
    for (struct ec *ec; (ec = sm_dequeue_first(sm));)
        sm_wake(ec, EABORT, 0);
    spin_unlock(&sm->lock);
    mapping_unlock();
}
