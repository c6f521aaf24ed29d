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

// What the model says of an account's kernel memory: the peak's two figures too.
struct model {
    u64 used, limit, left, lacked;
};

static void model_take(struct model *m, u64 n, bool fits)
{
    u64 left = m->limit - m->used;
    if (fits && left - n < m->left)
        m->left = left - n;
    if (!fits && n - left > m->lacked)
        m->lacked = n - left;
}

static void model_round(struct account accounts[ACCOUNTS], struct model model[ACCOUNTS])
{
    unsigned a = (unsigned)random_below(ACCOUNTS), b = (unsigned)random_below(ACCOUNTS);
    struct model *m = &model[a];
    u64 n = random_below(40000);
    bool fits = m->limit - m->used >= n;
    switch (random_below(4)) {
    case 0:
        CHECK(account_charge(&accounts[a].kmem, n) == fits);
        model_take(m, n, fits);
        m->used += fits ? n : 0;
        break;
    case 1:
        n = m->used ? random_below(m->used + 1) : 0;
        account_refund(&accounts[a].kmem, n);
        m->used -= n;
        break;
    case 2:
        CHECK(account_trade(&accounts[a], &accounts[b], 0, n) == fits);
        model_take(m, n, fits);
        m->limit -= fits ? n : 0;
        model[b].limit += fits ? n : 0;
        break;
    case 3: {
        u64 peak = account_peak(&accounts[a].kmem, 1), left = peak & 0xffffffff;
        CHECK(left <= m->left && m->left <= left + KMEM_SPARE && peak >> 32 == m->lacked);
        m->left = m->limit - m->used;
        m->lacked = 0;
    }
    }
}

static void accounts_match_the_model(void)
{
    static struct account accounts[ACCOUNTS];
    struct model model[ACCOUNTS];
    u64 total = 100000 * ACCOUNTS;
    for (unsigned i = 0; i < ACCOUNTS; i++) {
        model[i] = (struct model){0, 100000, 100000, 0};
        accounts[i].kmem.limit = 100000;
        accounts[i].caps.limit = 1000;
    }
    for (unsigned round = 0; round < ROUNDS; round++) {
        u64 sum = 0;
        model_round(accounts, model);
        for (unsigned i = 0; i < ACCOUNTS; i++) {
            CHECK(accounts[i].kmem.used == model[i].used);
            CHECK(accounts[i].kmem.limit == model[i].limit);
            CHECK(accounts[i].caps.used == 0 && accounts[i].caps.limit == 1000);
            sum += accounts[i].kmem.limit;
        }
        CHECK(sum == total);
    }
    struct account *from = &accounts[0], *to = &accounts[1];
    u64 left = from->kmem.limit - from->kmem.used;
    CHECK(!account_trade(from, to, 1001, 0) && !account_trade(from, to, 1000, left + 1));
    CHECK(from->caps.limit == 1000 && account_trade(from, to, 1000, 0));
    CHECK(!account_charge(&from->caps, 1) && account_charge(&to->caps, 1));
    CHECK(account_peak(&to->caps, 1) == 1000); // before the others came
    CHECK(account_peak(&from->caps, 1) == (0 | 1ul << 32));
    CHECK(!account_charge(&from->kmem, 1ul << 62) && !account_trade(from, to, 0, ~0ul));
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
