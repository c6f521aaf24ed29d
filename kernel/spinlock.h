// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Spin locks. The kernel runs with interrupts off; a CPU that spins serves TLB shoot-downs
// meanwhile, so a holder may wait for other CPUs only after it let its locks go, and never
// deadlocks with a spinner. Order: those of mapping_lock.h, then a semaphore's lock, then pool and
// cache locks.
#pragma once

#include <tessera/types.h>

// A function in which everything that it calls is expanded, but what is marked noinline: the usual
// path of a hypercall.
#define STRAIGHT __attribute__((flatten))

struct spinlock {
    u32 held;
};

void spin_relax(void); // pause, and serve what other CPUs wait for (tlb.c)

static inline bool spin_try(struct spinlock *lock)
{
    return !__atomic_exchange_n(&lock->held, 1, __ATOMIC_ACQUIRE);
}
static inline void spin_lock(struct spinlock *lock)
{
    while (UNLIKELY(!spin_try(lock)))
        while (__atomic_load_n(&lock->held, __ATOMIC_RELAXED))
            spin_relax();
}
static inline void spin_unlock(struct spinlock *lock)
{
    __atomic_store_n(&lock->held, 0, __ATOMIC_RELEASE);
}
