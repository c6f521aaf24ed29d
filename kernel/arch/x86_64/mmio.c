// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The direct map of the first 4 GiB (boot_pd, from boot.S) has the registers of all interrupt
// controllers in it already; what is left to do is to forbid caching, and others.

#include "kernel/arch/x86_64/mmio.h"
#include "kernel/arch/x86_64/layout.h"
#include "kernel/arch/x86_64/x86.h"
#include "kernel/gsi.h"

extern u64 boot_pd[BOOT_MAP_SIZE / PAGE_2M];

void *map_device(u64 phys, u64 size)
{
    if (phys >= BOOT_MAP_SIZE || size > BOOT_MAP_SIZE - phys)
        return NULL;
    for (u64 page = ALIGN_DOWN(phys, PAGE_2M); page < phys + size; page += PAGE_2M) {
        boot_pd[page / PAGE_2M] |= BOOT_PTE_PCD | BOOT_PTE_PWT;
        invlpg(phys_to_virt(page));
    }
    memory_mark_kernels(phys, size); // nobody else gets these pages
    return phys_to_virt(phys);
}
