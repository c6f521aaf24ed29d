// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Signals: semaphores that are bound to a receiver, itself a semaphore (hypercall.h, SM_OP_WAIT).
// An up of a context counts there and makes it pending at its receiver; who waits at the receiver
// gets the identity and count of one pending context. Nothing depends on how many contexts there
// are.
//
// A context's lock comes before its receiver's; binding happens under mapping_lock. A context keeps
// its receiver's memory, not its life: once that is destroyed, ups are lost.
#pragma once

#include "kernel/sm.h"

extern struct ec signal_mark; // `head` of a context: no waiter, and not empty for entry.S

// Makes `sm` a context. EBUSY: it is one already, or somebody waits at it; EPARAM: the receiver is
// a context, or the same; EABORT: one of them is dead.
MUST_CHECK u32 signal_bind(struct sm *sm, struct sm *receiver, u32 identity);
// An up of a context, under its lock. Returns a waiter of the receiver to be woken with *value, or
// NULL.
struct ec *signal_up(struct sm *sm, u64 *value);
// Under the receiver's lock: takes all of one pending context; false if there is none.
MUST_CHECK bool signal_take(struct sm *receiver, u64 *value);
// A context ends, under its lock.
void signal_unbind(struct sm *sm);
// An interrupt's semaphore changes hands: nobody waits at it any more (EABORT), it is no context,
// and has counted nothing.
void signal_reset(struct sm *sm);
