// needs: sigma0/ram.c
// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// sigma0's physical memory allocator against a model that is one byte a page: random allocations
// and frees with every size, alignment and limit; after each, no page is given out twice and the
// figures agree; at the end, everything freed is one range again.
#include "sigma0/ram.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGES = 4096, FIRST = 3, OPERATIONS = 200000, BLOCKS = 512 };

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            printf("%s:%d: %s\n", __FILE__, __LINE__, #condition);                                 \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

static unsigned char taken[PAGES];
static struct block {
    u64 page, count;
} blocks[BLOCKS];
static unsigned long long seed = 0x9e3779b97f4a7c15;

static u64 random_below(u64 limit)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % limit;
}

static u64 model_longest(void)
{
    u64 best = 0, run = 0;
    for (u64 page = FIRST; page < PAGES; page++) {
        run = taken[page] ? 0 : run + 1;
        best = run > best ? run : best;
    }
    return best;
}

static u64 model_free(void)
{
    u64 count = 0;
    for (u64 page = FIRST; page < PAGES; page++)
        count += !taken[page];
    return count;
}

static void take(struct ram *ram, struct block *block)
{
    u64 count = 1 + random_below(random_below(8) ? 8 : 300);
    u64 align = 1ul << random_below(10);
    u64 limit = random_below(4) ? RAM_ANYWHERE : random_below(PAGES);
    u64 page = ram_alloc(ram, count, align, limit);
    if (page == RAM_NONE) {
        CHECK(limit != RAM_ANYWHERE || model_longest() < count);
        return;
    }
    CHECK(page >= FIRST && page + count <= PAGES &&
          (limit == RAM_ANYWHERE || page + count <= limit));
    for (u64 i = page; i < page + count; i++) {
        CHECK(!taken[i]);
        taken[i] = 1;
    }
    memset(ram->window + page * PAGE_SIZE, 0xa5,
           count * PAGE_SIZE); // the owner may write all of it
    *block = (struct block){page, count};
}

static void give(struct ram *ram, struct block *block)
{
    CHECK(ram_free(ram, block->page, block->count));
    memset(taken + block->page, 0, block->count);
    CHECK(!ram_free(ram, block->page, 1)); // the second time is refused
    CHECK(!ram_free(ram, block->page + block->count - 1, 1));
    block->count = 0;
}

static void random_churn_agrees_with_the_model(struct ram *ram)
{
    for (unsigned i = 0; i < OPERATIONS; i++) {
        struct block *block = &blocks[random_below(BLOCKS)];
        if (block->count)
            give(ram, block);
        else
            take(ram, block);
        if (i % 64 == 0) {
            CHECK(ram->free_pages == model_free());
            CHECK(ram_largest(ram) == model_longest());
        }
    }
    for (unsigned i = 0; i < BLOCKS; i++) {
        if (blocks[i].count)
            give(ram, &blocks[i]);
    }
    CHECK(ram->extents == 1);
    CHECK(ram_largest(ram) == PAGES - FIRST && ram->free_pages == ram->total_pages);
}

static void alignment_is_met_where_it_can_be(struct ram *ram)
{
    u64 a = ram_alloc(ram, 1, 1, RAM_ANYWHERE), b = ram_alloc(ram, 512, 512, RAM_ANYWHERE);
    CHECK(a == FIRST && b == 512);
    CHECK(ram_free(ram, b, 512) && ram_free(ram, a, 1));
    CHECK(ram_alloc(ram, PAGES - FIRST, 1024, RAM_ANYWHERE) == FIRST);
    CHECK(ram_alloc(ram, 1, 1, RAM_ANYWHERE) == RAM_NONE);
    CHECK(ram_free(ram, FIRST, PAGES - FIRST));
}

static void nonsense_is_refused(struct ram *ram)
{
    CHECK(ram_alloc(ram, 0, 1, RAM_ANYWHERE) == RAM_NONE);
    CHECK(ram_alloc(ram, ~0ul, 1, RAM_ANYWHERE) == RAM_NONE);
    CHECK(ram_alloc(ram, ~0ul, 1ul << 40, RAM_ANYWHERE) == RAM_NONE);
    CHECK(ram_alloc(ram, PAGES, 1, RAM_ANYWHERE) == RAM_NONE);
    CHECK(ram_alloc(ram, 1, 1, FIRST) == RAM_NONE);
    CHECK(ram_alloc(ram, 1, 1, 0) == RAM_NONE);
}

static void every_order_of_freeing_leaves_one_range(struct ram *ram)
{
    for (unsigned stride = 1; stride < 64; stride += 2) { // odd: coprime to 64
        u64 page[64];
        for (unsigned i = 0; i < 64; i++)
            page[i] = ram_alloc(ram, 1 + i % 5, 1, RAM_ANYWHERE);
        for (unsigned i = 0, at = 0; i < 64; i++, at = (at + stride) % 64)
            CHECK(ram_free(ram, page[at], 1 + at % 5));
        CHECK(ram->extents == 1);
    }
}

static void accounts_stop_at_their_limit(void)
{
    struct ram_account account = {.limit = 10};
    CHECK(ram_charge(&account, 7) && !ram_charge(&account, 4) && ram_charge(&account, 3));
    CHECK(!ram_charge(&account, ~0ul) && !ram_charge(&account, 1) && ram_charge(&account, 0));
    ram_refund(&account, 8);
    CHECK(account.used == 2 && account.high == 10);
    account.limit = 1; // lowered below what is used
    CHECK(!ram_charge(&account, 1));
}

int main(void)
{
    struct ram ram;
    char *memory = aligned_alloc(PAGE_SIZE, PAGES * PAGE_SIZE);
    ram_init(&ram, memory);
    ram_add(&ram, FIRST, 100);
    ram_add(&ram, FIRST + 200, PAGES - FIRST - 200);
    ram_add(&ram, FIRST + 100, 100);
    CHECK(ram.extents == 1 && ram.total_pages == PAGES - FIRST);
    nonsense_is_refused(&ram);
    alignment_is_met_where_it_can_be(&ram);
    every_order_of_freeing_leaves_one_range(&ram);
    random_churn_agrees_with_the_model(&ram);
    accounts_stop_at_their_limit();
    free(memory);
    puts("sigma0_ram: ok");
    return 0;
}
