// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Undoing translations on all CPUs. Unmapping collects in a batch what became stale and the page
// tables that became empty; tlb_flush makes every CPU forget and frees the tables. Call it without
// a lock: it waits.
#pragma once

#include <tessera/types.h>

struct pd;

struct tlb_batch {
    u32 cpu_mask;
    u32 entries;
    struct pd *pd; // of the only entry
    u64 page, count;
    void *tables; // empty page tables, chained by their first word
};

void tlb_batch_add(struct tlb_batch *batch, struct pd *pd, u64 page, u64 count);
void tlb_flush(struct tlb_batch *batch);
// For one page and no table. Also without a lock.
void tlb_flush_page(const struct pd *pd, u64 page);
// Serves another CPU's request, if there is one.
void tlb_serve(void);
