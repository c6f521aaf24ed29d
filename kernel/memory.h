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

// An account: bytes of kernel memory and capability slots, used and limit.
struct account {
    u64 kmem_used, kmem_limit;
    u64 caps_used, caps_limit;
};
// Takes bytes (slots) from the account; false, with nothing changed, where they are not there.
bool account_charge(struct account *account, u64 bytes);
void account_refund(struct account *account, u64 bytes);
bool account_charge_cap(struct account *account);
void account_refund_cap(struct account *account);
// Moves unused limit from one account to another; false if `from` has less than that unused.
bool account_move_kmem(struct account *from, struct account *to, u64 bytes);
bool account_move_caps(struct account *from, struct account *to, u64 count);
// Both or nothing: `amount` is slots | units of 64 bytes << 32.
bool account_move(struct account *from, struct account *to, u64 amount);
