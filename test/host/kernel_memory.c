// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The kernel's page pool, object caches and accounts, driven at random against models.
// needs: kernel/memory.c
#include "test/host/kernel_stubs.h"
#include <string.h>

enum { PAGES = 2500, OBJECTS = 3000, ROUNDS = 60000, ACCOUNTS = 4 };

// Pages come zeroed, one owner each, and all come back.
static void pages_match_the_model(void)
{
    static u64 *held[PAGES];
    unsigned count = 0;
    u64 all = pool_free_pages();
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned i = (unsigned)random_below(PAGES);
        if (!held[i]) {
            u64 *page = page_alloc();
            CHECK(!page == (count == all));
            if (!page)
                continue;
            for (unsigned k = 0; k < 512; k++)
                CHECK(page[k] == 0);
            CHECK(table_use(page)->count == 0 && !table_use(page)->slots);
            *table_use(page) = (struct table_use){page, 7};
            held[i] = page;
            count++;
            if (random_below(2))
                page[random_below(512)] = i + 1; // else it goes back clean
        } else {
            bool clean = true;
            for (unsigned k = 0; k < 512; k++) {
                clean = clean && !held[i][k];
                CHECK(!held[i][k] || held[i][k] == i + 1);
            }
            clean ? page_free_zeroed(held[i]) : page_free(held[i]);
            held[i] = NULL;
            count--;
        }
        CHECK(pool_free_pages() == all - count);
    }
    for (unsigned i = 0; i < PAGES; i++) {
        if (held[i])
            page_free(held[i]);
    }
    CHECK(pool_free_pages() == all);
}

static struct cache caches[] = {CACHE(24, "small"), CACHE(200, "middle"), CACHE(1500, "large")};
static struct {
    unsigned char *object;
    struct cache *cache;
} objects[OBJECTS];

static void object_toggle(unsigned i)
{
    if (objects[i].object) {
        for (unsigned k = 0; k < objects[i].cache->size; k++)
            CHECK(objects[i].object[k] == (unsigned char)(i * 7 + 1));
        cache_free(objects[i].cache, objects[i].object);
        objects[i].object = NULL;
        return;
    }
    objects[i].cache = &caches[random_below(3)];
    objects[i].object = cache_alloc(objects[i].cache);
    if (!objects[i].object)
        return;
    CHECK((u64)objects[i].object % 16 == 0);
    memset(objects[i].object, (int)(i * 7 + 1), objects[i].cache->size);
}

// Objects never overlap; a cache keeps no page that it does not need, so that others can have it.
static void caches_match_the_model(void)
{
    u64 all = pool_free_pages();
    for (unsigned round = 0; round < ROUNDS; round++) {
        // Waves: the caches fill up, then empty.
        unsigned i = (unsigned)random_below(OBJECTS);
        bool filling = round / 10000 % 2 == 0;
        if (!objects[i].object == filling || random_below(8) == 0)
            object_toggle(i);
        CHECK(pool_free_pages() == all - caches[0].pages - caches[1].pages - caches[2].pages);
    }
    for (unsigned i = 0; i < OBJECTS; i++) {
        if (objects[i].object)
            object_toggle(i);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(caches); i++) {
        CHECK(caches[i].objects == 0);
        CHECK(caches[i].pages <= 1);
    }
    CHECK(pool_free_pages() >= all - 3);
}

// One kind of object may take the whole pool, and then another.
static void caches_do_not_starve_each_other(void)
{
    for (unsigned kind = 0; kind < 6; kind++) {
        static void *held[HOST_MEMORY / 1504];
        unsigned count = 0;
        struct cache *cache = &caches[1 + kind % 2];
        u64 fit = (pool_free_pages() + cache->pages) * (PAGE_SIZE / cache->size);
        while (count < ARRAY_SIZE(held) && (held[count] = cache_alloc(cache)))
            count++;
        CHECK(count == (fit < ARRAY_SIZE(held) ? fit : ARRAY_SIZE(held)));
        while (count)
            cache_free(cache, held[--count]);
        CHECK(cache->pages <= 1);
    }
}

static void accounts_match_the_model(void)
{
    static struct account accounts[ACCOUNTS];
    u64 used[ACCOUNTS] = {0}, limit[ACCOUNTS], total = 0;
    for (unsigned i = 0; i < ACCOUNTS; i++)
        total += limit[i] = accounts[i].kmem_limit = accounts[i].caps_limit = 1000;
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned a = (unsigned)random_below(ACCOUNTS), b = (unsigned)random_below(ACCOUNTS);
        u64 n = random_below(400);
        switch (random_below(3)) {
        case 0: {
            bool fits = used[a] + n <= limit[a];
            CHECK(account_charge(&accounts[a], n) == fits);
            used[a] += fits ? n : 0;
            break;
        }
        case 1:
            n = used[a] ? random_below(used[a] + 1) : 0;
            account_refund(&accounts[a], n);
            used[a] -= n;
            break;
        case 2: {
            bool fits = limit[a] - used[a] >= n;
            CHECK(account_move_kmem(&accounts[a], &accounts[b], n) == fits);
            limit[a] -= fits ? n : 0;
            limit[b] += fits ? n : 0;
        }
        }
        u64 sum = 0;
        for (unsigned i = 0; i < ACCOUNTS; i++) {
            CHECK(accounts[i].kmem_used == used[i] && accounts[i].kmem_limit == limit[i]);
            CHECK(accounts[i].caps_used == 0 && accounts[i].caps_limit == 1000);
            sum += accounts[i].kmem_limit;
        }
        CHECK(sum == total);
    }
    CHECK(!account_move_caps(&accounts[0], &accounts[1], 1001));
    CHECK(account_move_caps(&accounts[0], &accounts[1], 1000));
    CHECK(!account_charge_cap(&accounts[0]) && account_charge_cap(&accounts[1]));
    CHECK(!account_charge(&accounts[0], ~0ul) &&
          !account_move_kmem(&accounts[0], &accounts[1], ~0ul));
}

int main(void)
{
    pool_init(PAGE_SIZE, HOST_MEMORY - PAGE_SIZE);
    RUN(pages_match_the_model);
    RUN(caches_match_the_model);
    RUN(caches_do_not_starve_each_other);
    RUN(accounts_match_the_model);
    return check_failures != 0;
}
