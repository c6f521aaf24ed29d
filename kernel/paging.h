// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Page tables of PDs. Pages of tables are charged to the PD; a superpage is charged one table too,
// so that splitting it later cannot fail.
#pragma once

#include "kernel/pd.h"
#include "kernel/tlb.h"

// Finishes the kernel's own page tables: drops the identity map, write-protects text and rodata.
void paging_init(void);
// Gives `pd` an empty page table. False: out of memory. The PD's account must be ready.
bool space_create(struct pd *pd);
void space_destroy(struct pd *pd);
// Maps `count` frames from `frame` on at `page` with rights MEM_R/W/X and memory type `attr`.
// Nothing may be mapped there. False, with nothing changed: out of memory.
bool space_map(struct pd *pd, u64 page, u64 frame, u64 count, unsigned rights, unsigned attr);
void space_unmap(struct pd *pd, u64 page, u64 count, struct tlb_batch *batch);
// Has the direct map cover `count` frames from `frame` on, which are RAM. False: no memory for its
// tables, or beyond its reach of 512 GiB.
MUST_CHECK bool direct_map_reach(u64 frame, u64 count);
// Loads the kernel's own page table.
void space_leave(void);
