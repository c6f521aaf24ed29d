// needs: sigma0/ram.c
// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// sigma0's physical memory with its shelves: pages that rest with a CPU are as good as free for
// whoever needs them, however many, wherever and on whatever CPU. The system test of fragmentation
// cannot see that: what rests lies low, beside a free range that is longer than all it asks for.
#include "test/host/host_kernel.h"

static char *window;
#define PHYSICAL_WINDOW ((u64)window)

#include "lib/rt/selector.c"
#include "lib/rt/dry.c"
#include "lib/rt/sync.c"
#include "sigma0/physical.c"
#include "sigma0/shelf.c"
#include "test/host/rt_ends.h"

enum { PAGES = 4096, CPUS = 4, BLOCKS = 48, ROUNDS = 40000 };
static char *memory;
static unsigned char owned[PAGES];

error_t echo_take(enum crd_kind kind, u64 from, u64 to, u64 count, unsigned rights, unsigned flags)
{
    (void)kind, (void)from, (void)to, (void)count, (void)rights, (void)flags;
    return SUCCESS;
}

error_t (*rt_memory_grow)(void *address, size_t bytes);
void range_revoke_from(sel_t pd, enum crd_kind kind, u64 base, u64 count, bool self)
{
    (void)pd, (void)kind, (void)base, (void)count, (void)self;
}
error_t range_delegate(sel_t pd, enum crd_kind kind, u64 from, u64 to, u64 count, unsigned rights)
{
    (void)pd, (void)kind, (void)from, (void)to, (void)count, (void)rights;
    return SUCCESS;
}
void *heap_zalloc(size_t bytes)
{
    return calloc(1, bytes);
}
void heap_free(void *object)
{
    free(object);
}

static void on_cpu(unsigned cpu)
{
    thread_words()->cpu = cpu;
}

static unsigned resting(void)
{
    unsigned count = 0;
    for (unsigned cpu = 0; cpu < CPUS; cpu++)
        count += spare_pages.cpu[cpu].count;
    return count;
}

static void give(u64 page, u64 count)
{
    if (page != RAM_NONE)
        physical_free(page, count);
}

// All memory page by page, given back by CPUs in turn: what fits rests with them.
static u64 strew(void)
{
    static u64 page[PAGES];
    u64 count = 0;
    while (count < PAGES && (page[count] = physical_alloc(1, RAM_ANYWHERE)) != RAM_NONE)
        count++;
    for (u64 i = 0; i < count; i++) {
        on_cpu((unsigned)(i % CPUS));
        physical_free(page[i], 1);
    }
    on_cpu(0);
    CHECK(resting() == CPUS * SHELF_ITEMS);
    return count;
}

static void all_memory_is_had_at_once(void)
{
    u64 total = strew(), first;
    CHECK(total == ram.total_pages);
    first = physical_alloc(total, RAM_ANYWHERE);
    CHECK(first != RAM_NONE && resting() == 0);
    CHECK(physical_alloc(1, RAM_ANYWHERE) == RAM_NONE);
    give(first, total);
}

static void the_last_page_rests_with_another_cpu(void)
{
    u64 most = physical_alloc(ram.total_pages - 1, RAM_ANYWHERE);
    u64 last = physical_alloc(1, RAM_ANYWHERE);
    CHECK(most != RAM_NONE && last != RAM_NONE);
    if (most == RAM_NONE || last == RAM_NONE)
        return;
    on_cpu(3);
    physical_free(last, 1);
    on_cpu(1);
    CHECK(resting() == 1 && physical_alloc(1, RAM_ANYWHERE) == last);
    CHECK(physical_alloc(1, RAM_ANYWHERE) == RAM_NONE);
    on_cpu(0);
    physical_free(last, 1);
    CHECK(physical_alloc(1, last) == RAM_NONE); // a limit is kept, also by what rested
    CHECK(resting() == 0);                      // it was looked for
    CHECK(physical_alloc(1, last + 1) == last);
    give(last, 1);
    give(most, ram.total_pages - 1);
}

// A page that rests in each place where a superpage could be.
static void what_rests_costs_no_alignment(void)
{
    enum { HUGE = 512 };
    (void)physical_usage(); // empties the shelves
    while (physical_alloc(1, RAM_ANYWHERE) != RAM_NONE) {
    }
    for (unsigned round = 0; round < 2; round++) {
        for (u64 page = 3; page < PAGES; page++) {
            // A long free range goes over the border, but from none to the next.
            bool rests = page % HUGE == (page / HUGE % 2 ? HUGE - 5 : 4);
            if (rests == !round)
                physical_free(page, 1);
        }
        CHECK(resting() == (round ? SHELF_ITEMS : PAGES / HUGE));
    }
    CHECK(ram_largest(&ram) > HUGE);
    u64 huge = physical_alloc(HUGE, RAM_ANYWHERE);
    CHECK(huge != RAM_NONE && huge % HUGE == 0 && resting() == 0);
    give(huge, HUGE);
    CHECK(physical_usage().largest == ram.total_pages);
}

static void what_rests_counts_as_free_and_comes_back_zeroed(void)
{
    (void)strew();
    CHECK(physical_usage().free_pages == ram.total_pages && ram.extents == 1);
    u64 page = physical_alloc(1, RAM_ANYWHERE);
    memset(physical_address(page), 0xa5, PAGE_SIZE);
    physical_free(page, 1);
    CHECK(physical_alloc(1, RAM_ANYWHERE) == page);
    const u64 *word = physical_address(page);
    for (unsigned i = 0; i < PAGE_SIZE / sizeof(*word); i++)
        CHECK(word[i] == 0);
    physical_free(page, 1);
}

// A full shelf sends pages on; one in use is passed by.
static void a_shelf_never_makes_anybody_wait(void)
{
    (void)physical_usage();
    u64 page[SHELF_ITEMS + 1];
    for (unsigned i = 0; i <= SHELF_ITEMS; i++)
        page[i] = physical_alloc(1, RAM_ANYWHERE);
    for (unsigned i = 0; i <= SHELF_ITEMS; i++)
        physical_free(page[i], 1);
    CHECK(resting() == SHELF_ITEMS && ram.free_pages == ram.total_pages - SHELF_ITEMS);
    CHECK(mutex_try(&spare_pages.cpu[0].lock)); // as a preempted handler holds it
    u64 other = physical_alloc(1, RAM_ANYWHERE);
    CHECK(other == page[SHELF_ITEMS]);
    physical_free(other, 1);
    CHECK(resting() == SHELF_ITEMS && ram.free_pages == ram.total_pages - SHELF_ITEMS);
    mutex_unlock(&spare_pages.cpu[0].lock);
    CHECK(physical_usage().free_pages == ram.total_pages);
}

// Blocks of all sizes on several CPUs: nobody has a page that another one has.
static unsigned long twice;
static void *churn(void *argument)
{
    struct {
        u64 page, count;
    } block[BLOCKS] = {0};
    u64 state = 77 + (u64)argument;
    on_cpu((unsigned)(u64)argument);
    for (unsigned i = 0; i < ROUNDS + BLOCKS; i++) {
        state = state * 6364136223846793005 + 1442695040888963407;
        unsigned at = (unsigned)(i < ROUNDS ? (state >> 33) % BLOCKS : i - ROUNDS);
        if (block[at].count) {
            for (u64 p = block[at].page; p < block[at].page + block[at].count; p++)
                __atomic_store_n(&owned[p], 0, __ATOMIC_RELAXED);
            physical_free(block[at].page, block[at].count);
            block[at].count = 0;
        } else if (i < ROUNDS) {
            block[at].count = (state >> 40) % 4 ? 1 : 1 + (state >> 50) % 64;
            block[at].page = physical_alloc(block[at].count, RAM_ANYWHERE);
            if (block[at].page == RAM_NONE)
                block[at].count = 0;
            for (u64 p = block[at].page; p < block[at].page + block[at].count; p++)
                if (__atomic_exchange_n(&owned[p], 1, __ATOMIC_RELAXED))
                    __atomic_fetch_add(&twice, 1, __ATOMIC_RELAXED);
        }
    }
    return NULL;
}

static void cpus_share_what_there_is(void)
{
    pthread_t thread[CPUS];
    for (u64 cpu = 0; cpu < CPUS; cpu++)
        pthread_create(&thread[cpu], NULL, churn, (void *)cpu);
    for (unsigned cpu = 0; cpu < CPUS; cpu++)
        pthread_join(thread[cpu], NULL);
    CHECK(twice == 0);
    CHECK(physical_usage().largest == ram.total_pages && ram.extents == 1);
}

int main(void)
{
    host_hip.cpu_count = CPUS;
    host_hip.memory_count = 1;
    host_hip.memory[0] =
        (struct hip_memory){3 * PAGE_SIZE, (PAGES - 3) * PAGE_SIZE, HIP_MEM_FREE, 0};
    host_hip.archive_size = 1;
    window = memory = aligned_alloc(PAGE_SIZE, PAGES * PAGE_SIZE);
    (void)host_create_sm(SEL_MEMORY_LOCK, 0);
    physical_init();
    RUN(all_memory_is_had_at_once);
    RUN(the_last_page_rests_with_another_cpu);
    RUN(what_rests_costs_no_alignment);
    RUN(what_rests_counts_as_free_and_comes_back_zeroed);
    RUN(a_shelf_never_makes_anybody_wait);
    RUN(cpus_share_what_there_is);
    free(memory);
    return check_failures != 0;
}
