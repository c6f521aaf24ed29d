// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Page tables of PDs. Pages of tables are charged to the PD; a superpage is charged one table too,
// so that splitting it later cannot fail.
#pragma once

#include "kernel/pd.h"
#include "kernel/tlb.h"

enum { SPACE_OWNED_MAX = 16 }; // pages of a mapping that has slots
#define SPACE_NONE (~0ul)

// Finishes the kernel's own page tables: drops the identity map, write-protects text and rodata.
void paging_init(void);
// Gives `pd` an empty page table. False: out of memory. The PD's account must be ready.
bool space_create(struct pd *pd);
void space_destroy(struct pd *pd);
// Maps `count` frames from `frame` on at `page` with rights MEM_R/W/X and memory type `attr`.
// Nothing may be mapped there. False, with nothing changed: out of memory.
bool space_map(struct pd *pd, u64 page, u64 frame, u64 count, unsigned rights, unsigned attr);
void space_unmap(struct pd *pd, u64 page, u64 count, struct tlb_batch *batch);
// The first page of [first, last] at which something is mapped, or SPACE_NONE.
u64 space_first(struct pd *pd, u64 first, u64 last);

// Small mappings: up to SPACE_OWNED_MAX pages that one leaf table covers, found by slots beside
// its entries.
static inline bool space_small(u64 page, u64 count)
{
    return count <= SPACE_OWNED_MAX && (page ^ (page + count - 1)) < 512;
}
// The small mapping at `page`, or NULL.
struct mapping *space_owner(struct pd *pd, u64 page);
// Whether a small mapping can be made at [page, page + count) without memory: the tables and slots
// are there, and nothing is mapped. space_make_ready makes them; false, with nothing changed: out
// of memory. *leaf is then where.
bool space_ready(struct pd *pd, u64 page, u64 count, struct leaf *leaf);
bool space_make_ready(struct pd *pd, u64 page, struct leaf *leaf);
// Maps `m`, for whose `count` pages that is ready, and sets their slots.
void space_map_owned(const struct leaf *leaf, struct mapping *m, u64 count);
void space_unmap_owned(struct pd *pd, u64 page, u64 count, struct tlb_batch *batch);
// The same for a single page, whose flush is the caller's; false where a table would become empty.
bool space_unmap_page(struct pd *pd, u64 page);
// Gives pages of a small mapping another owner: it was cut.
void space_set_owner(struct pd *pd, u64 page, u64 count, struct mapping *owner);

// Has the direct map cover `count` frames from `frame` on, which are RAM. False: no memory for its
// tables, or beyond its reach of 512 GiB.
MUST_CHECK bool direct_map_reach(u64 frame, u64 count);
// Loads the kernel's own page table.
void space_leave(void);
