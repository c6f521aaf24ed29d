// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Signals (002_8bbc1eeec7f51661.txt, Protection domains: asynchronous notifications;
// doc/signals.md): a receiver takes them for any number of contexts, each with a function of its
// own. Who signals holds the context's semaphore with SM_UP and needs nothing else (signal_submit
// is hc_sm_up). Signals that nobody has waited for yet are counted, and come as one with that
// count.
#pragma once

#include "lib/rt/list.h"
#include "lib/rt/sync.h"

struct signal_receiver {
    sel_t sm;
    struct mutex lock; // guards the contexts
    struct list contexts;
    u32 next_identity;
};

struct signal_context {
    struct list link;
    sel_t sm; // delegate it with SM_UP to whoever is to signal
    bool adopted;
    u32 identity;
    void (*handle)(struct signal_context *context, u64 count);
    void *user;
};

// ERESOURCE, EMEM.
MUST_CHECK error_t signal_receiver_create(struct signal_receiver *receiver);
// Its contexts are destroyed first. Who waits gets EABORT.
void signal_receiver_destroy(struct signal_receiver *receiver);
// A new context; `handle` is called by who waits at the receiver. ERESOURCE, EMEM.
MUST_CHECK error_t signal_context_create(struct signal_receiver *receiver,
                                         struct signal_context *context,
                                         void (*handle)(struct signal_context *, u64), void *user);
// The same for a semaphore that somebody else made, with SM_DOWN, and which stays the caller's: an
// interrupt's (env.h, struct irq; the handler acknowledges it). EBUSY: it is a context already.
MUST_CHECK error_t signal_context_adopt(struct signal_receiver *receiver,
                                        struct signal_context *context, sel_t sm,
                                        void (*handle)(struct signal_context *, u64), void *user);
// No signal of it is handled any more once this returns, but for one under way in another thread
// that waits at the same receiver.
void signal_context_destroy(struct signal_receiver *receiver, struct signal_context *context);
static inline error_t signal_submit(const struct signal_context *context)
{
    return hc_sm_up(context->sm);
}
// Waits for one context's signals until `deadline` (TSC; DEADLINE_NEVER) and handles them.
// ETIMEOUT, EABORT.
MUST_CHECK error_t signal_wait(struct signal_receiver *receiver, u64 deadline);
