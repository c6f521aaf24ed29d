// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Semaphores and portals: the two small objects.
#pragma once

#include "kernel/ec.h"
#include "kernel/spinlock.h"

struct sm {
    struct object object;
    struct spinlock lock;
    bool dead;
    u64 counter;
    struct ec *head, **tail; // waiting ECs, of any CPU
    u32 gsi;                 // of an interrupt's semaphore, else ~0
};

struct pt {
    struct object object;
    struct ec *ec; // &dead_ec once its EC is gone
    u64 ip, id;
    u32 mtd;
    struct pt *next, **link; // ec->portals
};

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
void pt_destroy(struct pt *pt);
