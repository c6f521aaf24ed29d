// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// sigma0's hold on the machine's memory: all free RAM and the boot archive are mapped once, in
// large pages, in one window, where a physical page stands at a fixed distance. What clients get is
// delegated from there, so that revoking a range of the window takes it back from everybody.
#pragma once

#include "lib/rt/archive.h"
#include "sigma0/ram.h"

#ifndef RT_HOST_TEST // has a window of its own
#define PHYSICAL_WINDOW                                                                            \
    0x0000010000000000ul // 1 TiB: above lib/rt's addresses, below the end of CRD_ALL_MEM
#endif

// Page number in sigma0's space of a physical page, and its address.
static inline u64 physical_page(u64 page)
{
    return PHYSICAL_WINDOW / PAGE_SIZE + page;
}
static inline void *physical_address(u64 page)
{
    return (void *)(PHYSICAL_WINDOW + page * PAGE_SIZE);
}

// Maps memory and archive by way of the echo portal of this CPU, and becomes lib/rt's source of
// memory.
void physical_init(void);
// The boot archive.
const struct archive *physical_archive(void);

// Takes `count` contiguous pages, zeroed, ending at or below page `limit` (ram.h). Returns the
// first page or RAM_NONE.
MUST_CHECK u64 physical_alloc(u64 count, u64 limit);
// Frees pages that nobody has mapped any more but we.
void physical_free(u64 page, u64 count);
// Whether [base, base + size) bytes touch memory or the archive, by the HIP's map.
bool physical_is_ram(u64 base, u64 size);

struct physical_usage {
    u64 free_pages, total_pages, largest;
};
struct physical_usage physical_usage(void);
