// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Futex-like semaphore and mutex (001_5c4c3d5892c9ef36.txt): a counter in user memory, which atomic
// operations change, and a kernel semaphore that is entered only when somebody must wait or be
// woken. The kernel semaphore is made at the first contention, or by *_prepare where a failure can
// still be handled.
//
// A mutex that is not prepared has a kernel semaphore only while somebody waits for it: it takes
// one of the program's spare ones, and makes one where there is none; who finds nobody waiting any
// more gives it back. So a program with as many spare ones as threads never fails to wait.
//
// The counter: >= 0 is what can be taken, < 0 minus the number of threads that wait or are about
// to. A woken thread owns what it waited for (hand-over, first come first served).
#pragma once

#include "lib/rt/hypercall.h"

// Creates a kernel semaphore at a fresh selector; *out is SEL_NONE on failure. ERESOURCE (no
// selector), EMEM. The caller's: selector_drop.
MUST_CHECK error_t semaphore_create(u64 initial, sel_t *out);

struct semaphore {
    _Alignas(8) i32 count;
    u32 sm; // selector of the kernel semaphore, 0 = not made yet; of a mutex maybe | MUTEX_KEEPS
};
#define SEMAPHORE_INIT(n)                                                                          \
    {                                                                                              \
        (n), 0                                                                                     \
    }

// Makes the kernel semaphore now. ERESOURCE (no selector), EMEM.
MUST_CHECK error_t semaphore_prepare(struct semaphore *s);
// Drops the kernel semaphore, if there is one; nobody may wait.
void semaphore_destroy(struct semaphore *s);
// Takes one, waiting if need be until the TSC passes `deadline` (DEADLINE_NEVER). ETIMEOUT; EABORT
// if destroyed meanwhile.
error_t semaphore_down(struct semaphore *s, u64 deadline);
// Takes one if that needs no waiting.
bool semaphore_try(struct semaphore *s);
void semaphore_up_slow(struct semaphore *s);
static inline void semaphore_up(struct semaphore *s)
{
    if (UNLIKELY(__atomic_fetch_add(&s->count, 1, __ATOMIC_RELEASE) < 0))
        semaphore_up_slow(s);
}

// Not recursive. A portal handler that takes a mutex makes its caller wait for it.
struct mutex {
    struct semaphore semaphore;
};
#define MUTEX_INIT                                                                                 \
    {                                                                                              \
        SEMAPHORE_INIT(1)                                                                          \
    }

enum { MUTEX_KEEPS = 1u << 31 }; // it is prepared

// Makes its kernel semaphore now, which it keeps. ERESOURCE (no selector), EMEM.
MUST_CHECK error_t mutex_prepare(struct mutex *m);
// Makes spare ones until there are `count`, or no room for more. ERESOURCE, EMEM.
MUST_CHECK error_t mutex_spares(unsigned count);
// Selectors of the spare ones, 0 where there is none. Both are weak: a program that needs many
// defines them itself.
extern u32 rt_mutex_spares[], rt_mutex_spares_max;

void mutex_lock_slow(struct mutex *m);
void mutex_unlock_slow(struct mutex *m);
extern u64 rt_mutex_waits; // how often a thread of this program found a mutex taken
static inline void mutex_lock(struct mutex *m)
{
    if (UNLIKELY(__atomic_fetch_sub(&m->semaphore.count, 1, __ATOMIC_ACQUIRE) <= 0))
        mutex_lock_slow(m);
}
static inline bool mutex_try(struct mutex *m)
{
    return semaphore_try(&m->semaphore);
}
void mutex_unlock_slow(struct mutex *m);
static inline void mutex_unlock(struct mutex *m)
{
    if (UNLIKELY(__atomic_fetch_add(&m->semaphore.count, 1, __ATOMIC_RELEASE) < 0))
        mutex_unlock_slow(m);
}

// Makes the kernel semaphores of lib/rt's own locks; thread.c does it before the second thread
// exists.
MUST_CHECK error_t rt_locks_prepare(void);
