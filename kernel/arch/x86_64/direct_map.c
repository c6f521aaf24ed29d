// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The direct map above what boot.S has mapped. Tables and entries are added to the one second-level
// table that all address spaces share, and never changed: no CPU can hold anything stale.
#include "kernel/arch/x86_64/features.h"
#include "kernel/layout.h"
#include "kernel/paging.h"
#include <tessera/hip.h>

enum { ENTRIES = 512, DIRECT_PML4 = 256 };
#define ENTRY_NX (1ul << 63)

static struct spinlock lock;

// The entry of 2 MiB at `phys`, its table made if need be; NULL: no memory.
static u64 *entry_at(u64 phys)
{
    u64 *tables = phys_to_virt(ALIGN_DOWN(kernel_pml4[DIRECT_PML4], PAGE_SIZE));
    u64 *above = &tables[phys >> 30];
    if (!*above) {
        void *table = page_alloc();
        if (!table)
            return NULL;
        *above = virt_to_phys(table) | BOOT_PTE_P | BOOT_PTE_W;
    }
    return (u64 *)phys_to_virt(ALIGN_DOWN(*above, PAGE_SIZE)) + (phys >> 21 & (ENTRIES - 1));
}

bool direct_map_reach(u64 frame, u64 count)
{
    u64 end = (frame + count) * PAGE_SIZE, at = ALIGN_DOWN(frame * PAGE_SIZE, PAGE_2M);
    bool reached = end <= DIRECT_MAP_MAX;
    if (at < BOOT_MAP_SIZE)
        at = BOOT_MAP_SIZE;
    spin_lock(&lock);
    for (; at < end && reached; at += PAGE_2M) {
        u64 *entry = entry_at(at);
        reached = entry;
        if (reached)
            *entry =
                at | BOOT_PTE_P | BOOT_PTE_W | BOOT_PTE_PS | (cpu_features & HIP_NX ? ENTRY_NX : 0);
    }
    spin_unlock(&lock);
    return reached;
}
