// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The locks of mapping_lock.h. Each CPU has one which it holds while it is inside with others; who
// wants to be alone takes those of all CPUs, in order of their numbers.
#include "kernel/mapping_lock.h"
#include "kernel/cpu.h"

enum { PATIENCE = 200 }; // looks at a lock that another CPU holds, before it is given up

static __attribute__((noinline)) void others(void (*each)(struct spinlock *lock))
{
    for (unsigned i = 1; i < cpu_online_count; i++)
        each(&cpus[i]->inside);
}

void mapping_lock(void)
{
    spin_lock(&cpus[0]->inside);
    if (UNLIKELY(cpu_online_count > 1))
        others(spin_lock);
}

void mapping_unlock(void)
{
    if (UNLIKELY(cpu_online_count > 1))
        others(spin_unlock);
    spin_unlock(&cpus[0]->inside);
}

void mapping_enter(struct pd *pd)
{
    spin_lock(&this_cpu()->inside);
    spin_lock(&pd->lock);
}

void mapping_leave(struct pd *pd)
{
    spin_unlock(&pd->lock);
    spin_unlock(&this_cpu()->inside);
}

static __attribute__((noinline)) bool try_again(struct spinlock *lock)
{
    for (unsigned i = 0; i < PATIENCE; i++) {
        spin_relax();
        if (!__atomic_load_n(&lock->held, __ATOMIC_RELAXED) && spin_try(lock))
            return true;
    }
    return false;
}

bool mapping_also(struct pd *second, struct pd *held)
{
    return second == held || LIKELY(spin_try(&second->lock)) || try_again(&second->lock);
}

void mapping_done(struct pd *second, struct pd *held)
{
    if (second != held)
        spin_unlock(&second->lock);
}
