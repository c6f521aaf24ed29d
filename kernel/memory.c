// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The page pool, the object caches and the accounts (memory.h). A page of the pool is free, belongs
// to one cache, or to whoever allocated it; struct page_info says which. Zeroed pages are kept
// apart, since page tables come back empty and are taken again at once. A cache gives a page back
// when it holds no object and another page of the cache has room, so caches cannot starve each
// other.
#include "kernel/memory.h"
#include "kernel/layout.h"

struct page_info {
    struct page_info *next, **link;
    struct cache *cache;
    union {
        struct {
            void *free; // first free object of a cache page
            u16 used;
        };
        struct table_use table;
    };
};

static struct {
    struct spinlock lock;
    char *base;
    u64 pages, free_pages;
    struct page_info *info;
    struct page_info *zeroed, *dirty;
} pool;

static struct page_info *info_of(void *page)
{
    return &pool.info[(u64)((char *)page - pool.base) / PAGE_SIZE];
}

static void *page_of(struct page_info *info)
{
    return pool.base + (u64)(info - pool.info) * PAGE_SIZE;
}

static void page_zero(void *page)
{
    u64 *word = page;
    for (unsigned i = 0; i < PAGE_SIZE / 8; i += 32) {
#pragma GCC unroll 32
        for (unsigned k = 0; k < 32; k++)
            word[i + k] = 0;
    }
}

void pool_init(u64 phys, u64 size)
{
    u64 pages = size / PAGE_SIZE;
    u64 info_bytes = ALIGN_UP(pages * sizeof(struct page_info), PAGE_SIZE);
    pool.info = phys_to_virt(phys);
    pool.base = (char *)phys_to_virt(phys) + info_bytes;
    pool.pages = pool.free_pages = pages - info_bytes / PAGE_SIZE;
    // Bookkeeping of a page is written when the page is first used: boot stays short.
    for (u64 i = pool.pages; i-- > 0;) {
        pool.info[i].next = pool.dirty;
        pool.dirty = &pool.info[i];
    }
}

u64 pool_bytes(void)
{
    return pool.pages * PAGE_SIZE;
}

u64 pool_free_pages(void)
{
    return pool.free_pages;
}

static struct page_info *take(struct page_info **list)
{
    struct page_info *info = *list;
    if (info) {
        *list = info->next;
        pool.free_pages--;
        info->cache = NULL;
        info->table = (struct table_use){0};
    }
    return info;
}

__attribute__((noinline)) void *page_alloc(void)
{
    spin_lock(&pool.lock);
    bool clean = pool.zeroed;
    struct page_info *info = take(clean ? &pool.zeroed : &pool.dirty);
    spin_unlock(&pool.lock);
    if (!info)
        return NULL;
    if (!clean)
        page_zero(page_of(info));
    return page_of(info);
}

static void give(void *page, struct page_info **list)
{
    spin_lock(&pool.lock);
    struct page_info *info = info_of(page);
    info->next = *list;
    *list = info;
    pool.free_pages++;
    spin_unlock(&pool.lock);
}

void page_free(void *page)
{
    give(page, &pool.dirty);
}

void page_free_zeroed(void *page)
{
    give(page, &pool.zeroed);
}

struct table_use *table_use(void *page)
{
    return &info_of(page)->table;
}

static void partial_add(struct cache *cache, struct page_info *info)
{
    info->next = cache->partial;
    info->link = &cache->partial;
    if (info->next)
        info->next->link = &info->next;
    cache->partial = info;
}

static void partial_remove(struct page_info *info)
{
    *info->link = info->next;
    if (info->next)
        info->next->link = info->link;
}

static __attribute__((noinline)) bool cache_grow(struct cache *cache)
{
    spin_lock(&pool.lock);
    struct page_info *info = take(pool.dirty ? &pool.dirty : &pool.zeroed);
    spin_unlock(&pool.lock);
    if (!info)
        return false;
    info->cache = cache;
    info->free = NULL;
    info->used = 0;
    char *page = page_of(info);
    for (u32 at = PAGE_SIZE / cache->size * cache->size; at > 0;) {
        at -= cache->size;
        *(void **)(void *)(page + at) = info->free;
        info->free = page + at;
    }
    cache->pages++;
    partial_add(cache, info);
    return true;
}

void *cache_alloc(struct cache *cache)
{
    void *object = NULL;
    spin_lock(&cache->lock);
    if (LIKELY(cache->partial) || cache_grow(cache)) {
        struct page_info *info = cache->partial;
        object = info->free;
        info->free = *(void **)object;
        info->used++;
        cache->objects++;
        if (!info->free)
            partial_remove(info);
    }
    spin_unlock(&cache->lock);
    return object;
}

void cache_free(struct cache *cache, void *object)
{
    void *page = (void *)((u64)object & ~(PAGE_SIZE - 1));
    spin_lock(&cache->lock);
    struct page_info *info = info_of(page);
    if (!info->free)
        partial_add(cache, info);
    *(void **)object = info->free;
    info->free = object;
    info->used--;
    cache->objects--;
    bool release = info->used == 0 && (cache->partial != info || info->next);
    if (release) {
        partial_remove(info);
        cache->pages--;
    }
    spin_unlock(&cache->lock);
    if (release)
        page_free(page);
}

// Raises `most` to some more than is used if there is as much. What was charged without success
// goes back first. Who takes what a lowering refunds at last finds the lower `most`.
__attribute__((noinline)) bool account_take(struct units *u, u64 n, bool lower)
{
    u64 left, spare = n == 1 || lower ? 0 : KMEM_SPARE;
    if (!lower)
        account_refund(u, n);
    spin_lock(&u->lock);
    u64 old = __atomic_load_n(&u->used, __ATOMIC_RELAXED);
    do {
        left = u->limit - old;
        if ((long)left < 0 || left < n) {
            u->lacked = n - left > u->lacked && !(n >> UNITS_BITS) ? n - left : u->lacked;
            spin_unlock(&u->lock);
            return false;
        }
    } while (!__atomic_compare_exchange_n(&u->used, &old, old + n, true, __ATOMIC_RELAXED,
                                          __ATOMIC_RELAXED));
    long more = (long)(old + n - __atomic_load_n(&u->most, __ATOMIC_RELAXED));
    if (more > 0)
        __atomic_fetch_add(&u->most, (u64)more + (left - n < spare ? 0 : spare), __ATOMIC_RELAXED);
    if (lower) {
        __atomic_fetch_sub(&u->most, n, __ATOMIC_RELAXED);
        __atomic_fetch_sub(&u->limit, n, __ATOMIC_RELAXED);
        account_refund(u, n);
    }
    spin_unlock(&u->lock);
    return true;
}

STRAIGHT bool account_trade(struct account *from, struct account *to, u64 slots, u64 bytes)
{
    if (!account_take(&from->caps, slots, true))
        return false;
    bool both = account_take(&from->kmem, bytes, true);
    account_raise(both ? &to->caps : &from->caps, slots);
    account_raise(&to->kmem, both ? bytes : 0);
    return both;
}

u64 account_peak(struct units *u, u64 unit)
{
    spin_lock(&u->lock);
    u64 left = u->limit - __atomic_exchange_n(&u->most, u->used, __ATOMIC_RELAXED);
    u64 lacked = __atomic_exchange_n(&u->lacked, 0, __ATOMIC_RELAXED);
    spin_unlock(&u->lock);
    return left / unit | (lacked + unit - 1) / unit << 32;
}
