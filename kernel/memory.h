// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Kernel memory: a fixed pool of pages taken at boot, caches of equal objects on it, and the
// accounts that say who may use how much. The sum of all account limits never exceeds the pool.
#pragma once

#include "kernel/spinlock.h"

struct pd;

// Gives the pool [phys, phys + size), page aligned and in the direct map; called once at boot.
void pool_init(u64 phys, u64 size);
// Bytes that the pool can hand out (without its own bookkeeping).
u64 pool_bytes(void);
u64 pool_free_pages(void);

// Returns a page of zeroes, or NULL if the pool is empty. Charge the account first.
void *page_alloc(void);
// Gives a page back. page_free_zeroed: the caller left it all zero.
void page_free(void *page);
void page_free_zeroed(void *page);
// Bookkeeping of a pool page that serves as a page table; all zero when the page is handed out.
struct table_use {
    void *slots; // whose mapping each entry is (paging.h), or NULL
    u16 count;   // present entries
};
struct table_use *table_use(void *page);

struct cache {
    const char *name;
    u32 size;
    struct spinlock lock;
    struct page_info *partial; // pages with free objects
    u32 pages, objects;
};
#define CACHE(type_size, cache_name)                                                               \
    {                                                                                              \
        .name = (cache_name), .size = ((type_size) + 15u) & ~15u                                   \
    }
// Returns an object of the cache's size with undefined content, or NULL.
void *cache_alloc(struct cache *cache);
void cache_free(struct cache *cache, void *object);

// Of something that is accounted: used <= most <= limit. Up to `most`, which was in use at once (of
// kernel memory, give or take KMEM_SPARE), there is nothing to note. It moves with the limit: its
// distance from that is what was left at least. A refused request lacked `lacked` at most.
struct units {
    u64 used, limit, most, lacked;
    struct spinlock lock; // to take beyond `most`, to lower the limit
};
enum { UNITS_BITS = 37, KMEM_SPARE = 1024, FIRST_CAPS = 32 }; // nobody has 2^37; see pd_create
// An account: bytes of kernel memory and capability slots.
struct account {
    struct units kmem, caps;
};
// The slow way of what follows; `lower`: takes n off the limit, if so much of it is unused.
bool account_take(struct units *units, u64 n, bool lower);
// Takes n; false, with nothing changed, where they are not there. `used` is raised before `most` is
// looked at: who compares first may not see that the limit is lowered between.
static inline bool account_charge(struct units *u, u64 n)
{
    u64 now = __atomic_add_fetch(&u->used, n, __ATOMIC_SEQ_CST);
    if (LIKELY(now <= __atomic_load_n(&u->most, __ATOMIC_SEQ_CST)))
        return true;
    return account_take(u, n, false);
}
static inline void account_refund(struct units *u, u64 n)
{
    __atomic_fetch_sub(&u->used, n, __ATOMIC_RELAXED);
}
// An object of a cache, charged to the account, or NULL where one of both has none; and back.
static inline __attribute__((always_inline)) void *cache_take(struct cache *cache,
                                                              struct account *payer)
{
    if (!account_charge(&payer->kmem, cache->size))
        return NULL;
    void *object = cache_alloc(cache);
    if (!object)
        account_refund(&payer->kmem, cache->size);
    return object;
}
static inline __attribute__((always_inline)) void cache_give(struct cache *cache,
                                                             struct account *payer, void *object)
{
    account_refund(&payer->kmem, cache->size);
    cache_free(cache, object);
}
// What was lowered is given to somebody.
static inline void account_raise(struct units *u, u64 n)
{
    __atomic_fetch_add(&u->most, n, __ATOMIC_RELAXED);
    __atomic_fetch_add(&u->limit, n, __ATOMIC_RELAXED);
}
// Both move or nothing does; false if `from` has less than that unused.
bool account_trade(struct account *from, struct account *to, u64 slots, u64 bytes);
// What was left at least | what was lacked at most << 32 since this was last asked, in `unit`.
u64 account_peak(struct units *units, u64 unit);
