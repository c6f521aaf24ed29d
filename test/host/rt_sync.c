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
    CHECK(mutex.semaphore.sm == 0); // nobody waits, so it has none
}

// Of many mutexes each has a kernel semaphore only while somebody waits for it: as many spare ones
// as threads are enough for all, with no kernel memory for more.
enum { MUTEXES = 64 };
static struct mutex many[MUTEXES];
static bool in[MUTEXES];

static void *wanderer(void *argument)
{
    u64 state = (u64)(uintptr_t)argument * 7 + 1;
    for (int i = 0; i < ROUNDS; i++) {
        state = state * 6364136223846793005ul + 1442695040888963407ul;
        unsigned at = state >> 40 & (i % 64 ? 1 : MUTEXES - 1); // mostly the first two
        at = (at + (unsigned)i / 256) % MUTEXES;
        mutex_lock(&many[at]);
        if (__atomic_exchange_n(&in[at], true, __ATOMIC_RELAXED))
            abort();
        if (i % 8 == 0)
            sched_yield();
        __atomic_store_n(&in[at], false, __ATOMIC_RELAXED);
        mutex_unlock(&many[at]);
    }
    return NULL;
}

static unsigned spares(void)
{
    unsigned count = 0;
    for (unsigned i = 0; i < rt_mutex_spares_max; i++) {
        count += rt_mutex_spares[i] != 0;
        CHECK(!rt_mutex_spares[i] || host_sm[rt_mutex_spares[i]].counter == 0);
    }
    return count;
}

static void spare_semaphores_serve_all_mutexes(void)
{
    for (unsigned i = 0; i < MUTEXES; i++)
        many[i] = (struct mutex)MUTEX_INIT;
    CHECK(mutex_spares(THREADS) == SUCCESS && spares() == THREADS);
    CHECK(mutex_spares(THREADS) == SUCCESS && spares() == THREADS);
    host_out_of_kmem = true;
    CHECK(mutex_spares(THREADS + 1) == EMEM);
    unsigned long waits = rt_mutex_waits;
    run_threads(wanderer, THREADS);
    CHECK(rt_mutex_waits > waits);
    CHECK(spares() == THREADS);
    for (unsigned i = 0; i < MUTEXES; i++)
        CHECK(many[i].semaphore.count == 1 && many[i].semaphore.sm == 0);
    host_out_of_kmem = false;
}

// One that is prepared keeps its own.
static void prepared_mutex_needs_no_spare(void)
{
    unsigned before = spares();
    struct mutex own = MUTEX_INIT;
    CHECK(mutex_prepare(&own) == SUCCESS && own.semaphore.sm & MUTEX_KEEPS);
    u32 sm = own.semaphore.sm;
    CHECK(mutex_prepare(&own) == SUCCESS && own.semaphore.sm == sm);
    many[0] = own;
    for (unsigned i = 1; i < MUTEXES; i++)
        many[i] = (struct mutex)MUTEX_INIT;
    run_threads(wanderer, THREADS);
    CHECK(many[0].semaphore.sm == sm && many[0].semaphore.count == 1);
    CHECK(spares() == before);
    semaphore_destroy(&many[0].semaphore);
    CHECK(!host_sm[sm & ~(u32)MUTEX_KEEPS].live);
    many[0] = (struct mutex)MUTEX_INIT;
    host_out_of_kmem = true;
    CHECK(mutex_prepare(&many[0]) == EMEM);
    host_out_of_kmem = false;
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
    RUN(spare_semaphores_serve_all_mutexes);
    RUN(prepared_mutex_needs_no_spare);
    RUN(deadlines_lose_nothing);
    RUN(deadline_passes);
    RUN(a_late_up_is_taken);
    RUN(empty_account_is_reported);
    return check_failures != 0;
}
