// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Physical memory: which pages are free (ram.c), and the accounts that say who may have how many.
// Nothing here takes a lock or knows a client; sigma0's services do (state.h).
#pragma once

#include <tessera/types.h>

#define RAM_NONE (~0ul)          // no such page
#define RAM_ANYWHERE (~0ul)      // no upper limit
#define RAM_BELOW_4G (1ul << 20) // for devices that address 32 bits

struct ram_extent;

struct ram {
    char *window; // page p can be reached at window + p * PAGE_SIZE
    struct ram_extent *root;
    u64 free_pages, total_pages, extents;
};

// Starts with no memory. `window`: see above; every page given to ram_add must be writable there.
void ram_init(struct ram *ram, void *window);
// Gives [page, page + count) to the allocator for the first time.
void ram_add(struct ram *ram, u64 page, u64 count);
// Takes `count` (> 0) contiguous pages that end at or below page `limit`; prefers a start that is a
// multiple of `align` (a power of two) and settles for less if there is none. Returns the first
// page, RAM_NONE if no free range is long enough. The content is undefined: zero it before it
// leaves sigma0.
MUST_CHECK u64 ram_alloc(struct ram *ram, u64 count, u64 align, u64 limit);
// Gives pages back. Returns false, and does nothing, if one of them is free already.
bool ram_free(struct ram *ram, u64 page, u64 count);
// The length of the longest free range, in pages.
u64 ram_largest(const struct ram *ram);

// An account. `high` is the most that was ever used at once.
struct ram_account {
    u64 limit, used, high;
};

// Takes `amount` from the account; false, with nothing changed, if they are not there.
MUST_CHECK bool ram_charge(struct ram_account *account, u64 amount);
// Gives what was charged back.
void ram_refund(struct ram_account *account, u64 amount);
