// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Signals (signal.h). The kernel knows a context by a number; a table from numbers to contexts is
// not needed for a few, so it is a list with the last found first.
#include "lib/core/signal.h"
#include "lib/rt/selector.h"

error_t signal_receiver_create(struct signal_receiver *r)
{
    *r = (struct signal_receiver){.lock = MUTEX_INIT, .next_identity = 1};
    list_init(&r->contexts);
    return semaphore_create(0, &r->sm);
}

void signal_receiver_destroy(struct signal_receiver *r)
{
    selector_drop(r->sm);
    semaphore_destroy(&r->lock.semaphore);
}

// c->sm is set.
static error_t join(struct signal_receiver *r, struct signal_context *c)
{
    mutex_lock(&r->lock);
    c->identity = r->next_identity++;
    list_push_back(&r->contexts, &c->link);
    mutex_unlock(&r->lock);
    error_t error = hc_sm_bind(c->sm, r->sm, c->identity);
    if (error)
        signal_context_destroy(r, c);
    return error;
}

error_t signal_context_create(struct signal_receiver *r, struct signal_context *c,
                              void (*handle)(struct signal_context *, u64), void *user)
{
    *c = (struct signal_context){.handle = handle, .user = user};
    error_t error = semaphore_create(0, &c->sm);
    return error ? error : join(r, c);
}

error_t signal_context_adopt(struct signal_receiver *r, struct signal_context *c, sel_t sm,
                             void (*handle)(struct signal_context *, u64), void *user)
{
    *c = (struct signal_context){.sm = sm, .adopted = true, .handle = handle, .user = user};
    return join(r, c);
}

void signal_context_destroy(struct signal_receiver *r, struct signal_context *c)
{
    mutex_lock(&r->lock);
    list_remove(&c->link);
    mutex_unlock(&r->lock);
    if (!c->adopted)
        selector_drop(c->sm);
    c->sm = SEL_NONE;
}

static struct signal_context *context_of(struct signal_receiver *r, u32 identity)
{
    struct signal_context *found = NULL;
    mutex_lock(&r->lock);
    LIST_FOREACH (node, &r->contexts) {
        struct signal_context *c = LIST_ENTRY(node, struct signal_context, link);
        if (c->identity != identity)
            continue;
        found = c;
        list_remove(node);
        list_push_front(&r->contexts, &c->link);
        break;
    }
    mutex_unlock(&r->lock);
    return found;
}

error_t signal_wait(struct signal_receiver *r, u64 deadline)
{
    u64 value;
    error_t error = hc_sm_wait(r->sm, deadline, &value);
    if (error)
        return error;
    struct signal_context *c = value >> 32 ? context_of(r, (u32)value) : NULL;
    if (c)
        c->handle(c, value >> 32);
    return SUCCESS;
}
