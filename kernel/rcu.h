// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Deferred release. Memory that a lock-free reader may still hold is handed to rcu_defer and
// released once every CPU has entered the kernel anew (or idled) since. Readers pay nothing: kernel
// code runs with interrupts off, so a fresh entry proves that the CPU's earlier section is over.
#pragma once

#include <tessera/types.h>

struct rcu_head {
    struct rcu_head *next;
    void (*release)(struct rcu_head *head);
};

// Runs `release(head)` on this CPU after a grace period. `head` lies inside what is released.
void rcu_defer(struct rcu_head *head, void (*release)(struct rcu_head *head));
// Releases what is due.
void rcu_poll(void);
// On the way out, when WORK_RCU is set: rcu_poll, and clears WORK_RCU when nothing is left.
void rcu_work(void);
// Whether this CPU still holds deferred memory.
bool rcu_pending(void);
// For a hypercall that found an account or the pool empty and now holds no pointer to an object:
// memory that only waits for its grace period may be what was missing. Waits, with interrupts let
// in, until some came back or another thread is due. True: restart the hypercall. False: as much
// was released as was owed when it first failed (or nothing was), and still it fails when done
// after that. `*goal` is the caller's: 0 at first and again when the hypercall succeeds.
bool rcu_settle(u64 *goal);
