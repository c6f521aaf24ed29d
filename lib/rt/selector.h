// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Free selectors from SEL_FIRST_FREE on: a bitmap, changed with atomic operations, so that no lock
// is needed and portal handlers may use it. Freeing a selector does not drop the capability there:
// hc_drop first.
//
// The bitmap is weak: a program that needs more than 65,536 selectors defines both symbols itself.
#pragma once

#include <tessera/selector.h>

extern u64 rt_selector_bitmap[];
extern u32 rt_selector_words; // words in it; 4096 reach SEL_LIMIT

// One free selector, or SEL_NONE.
sel_t selector_alloc(void);
// 2^order selectors, aligned to their number (fits one CRD); SEL_NONE if there are none.
sel_t selector_alloc_range(unsigned order);
// The order of a range of at least `count` (> 0) selectors.
static inline unsigned selector_order(u32 count)
{
    unsigned order = 0;
    while (1u << order < count)
        order++;
    return order;
}
void selector_free(sel_t sel);
void selector_free_range(sel_t sel, unsigned order);
// Drops the capability at `sel` (with all derived from it), then frees the selector. SEL_NONE is
// ignored.
void selector_drop(sel_t sel);
