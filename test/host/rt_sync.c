// needs:
// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Semaphore and mutex of lib/rt under real threads: no kernel entry without contention, none lost
// with it, deadlines.
#include "test/host/host_kernel.h"

#include "lib/rt/selector.c"
#include "lib/rt/dry.c"
#include "lib/rt/sync.c"

NORETURN void rt_panic(const char *format, ...)
{
    printf("FAIL panic: %s\n", format);
    exit(1);
}

enum { THREADS = 4, ROUNDS = 20000 };

static struct mutex mutex = MUTEX_INIT;
static struct semaphore semaphore = SEMAPHORE_INIT(0);
static unsigned long shared;
static bool inside;

static void uncontended_lock_enters_no_kernel(void)
{
    unsigned long before = host_hypercalls;
    for (int i = 0; i < 1000; i++) {
        mutex_lock(&mutex);
        mutex_unlock(&mutex);
        semaphore_up(&semaphore);
        CHECK(!semaphore_down(&semaphore, DEADLINE_NEVER));
    }
    CHECK(host_hypercalls == before && rt_mutex_waits == 0);
    CHECK(!semaphore_try(&semaphore) && mutex_try(&mutex));
    CHECK(!mutex_try(&mutex));
    mutex_unlock(&mutex);
}

static void *locker(void *argument)
{
    (void)argument;
    for (int i = 0; i < ROUNDS; i++) {
        mutex_lock(&mutex);
        if (__atomic_exchange_n(&inside, true, __ATOMIC_RELAXED))
            abort();
        shared++;
        __atomic_store_n(&inside, false, __ATOMIC_RELAXED);
        mutex_unlock(&mutex);
    }
    return NULL;
}

static void run_threads(void *(*function)(void *), unsigned count)
{
    pthread_t threads[THREADS];
    for (unsigned i = 0; i < count; i++)
        pthread_create(&threads[i], NULL, function, (void *)(uintptr_t)i);
    for (unsigned i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
}

static void mutex_excludes(void)
{
    pthread_t first;
    mutex_lock(&mutex);
    pthread_create(&first, NULL, locker, NULL);
    while (!__atomic_load_n(&rt_mutex_waits, __ATOMIC_RELAXED))
        sched_yield(); // it finds the mutex taken, which is counted
    mutex_unlock(&mutex);
    run_threads(locker, THREADS - 1);
    pthread_join(first, NULL);
    CHECK(shared == THREADS * ROUNDS);
    CHECK(mutex.semaphore.count == 1);
    CHECK(mutex.semaphore.sm == 0 || host_sm[mutex.semaphore.sm].counter == 0);
}

static unsigned long taken, expired;

// Half of the threads put, half take with deadlines so short that many pass: what is put is taken
// or left, never lost.
static void *trader(void *argument)
{
    for (int i = 0; i < ROUNDS / 4; i++) {
        if ((uintptr_t)argument % 2) {
            semaphore_up(&semaphore);
            continue;
        }
        error_t error = semaphore_down(&semaphore, host_now() + random_below(3000));
        __atomic_fetch_add(error ? &expired : &taken, 1, __ATOMIC_RELAXED);
        if (error && error != ETIMEOUT)
            abort();
    }
    return NULL;
}

static void deadlines_lose_nothing(void)
{
    run_threads(trader, THREADS);
    CHECK(taken + expired == THREADS / 2 * (ROUNDS / 4));
    CHECK(semaphore.count >= 0);
    CHECK(taken + (unsigned long)semaphore.count == THREADS / 2 * (ROUNDS / 4));
    CHECK(semaphore.sm == 0 || host_sm[semaphore.sm].counter == 0);
}

static void deadline_passes(void)
{
    struct semaphore s = SEMAPHORE_INIT(0);
    CHECK(semaphore_down(&s, host_now() + 1000000) == ETIMEOUT);
    CHECK(s.count == 0);
    semaphore_up(&s);
    CHECK(semaphore_down(&s, host_now() + 1000000) == SUCCESS);
    semaphore_destroy(&s);
    CHECK(s.sm == 0);
}

static struct semaphore late = SEMAPHORE_INIT(0);

static void up_late(void)
{
    semaphore_up(&late);
}

// An up that comes after the deadline but before the waiter has withdrawn is the waiter's.
static void a_late_up_is_taken(void)
{
    host_after_timeout = up_late;
    CHECK(semaphore_down(&late, host_now() + 1000) == SUCCESS);
    host_after_timeout = NULL;
    CHECK(late.count == 0 && host_sm[late.sm].counter == 0);
    CHECK(semaphore_down(&late, host_now() + 1000) == ETIMEOUT && late.count == 0);
}

static void empty_account_is_reported(void)
{
    struct semaphore s = SEMAPHORE_INIT(0);
    host_out_of_kmem = true;
    CHECK(semaphore_prepare(&s) == EMEM);
    CHECK(semaphore_down(&s, DEADLINE_NEVER) == EMEM);
    CHECK(s.count == 0);
    host_out_of_kmem = false;
    CHECK(semaphore_prepare(&s) == SUCCESS);
    semaphore_destroy(&s);
}

int main(void)
{
    RUN(uncontended_lock_enters_no_kernel);
    RUN(mutex_excludes);
    RUN(deadlines_lose_nothing);
    RUN(deadline_passes);
    RUN(a_late_up_is_taken);
    RUN(empty_account_is_reported);
    return check_failures != 0;
}
