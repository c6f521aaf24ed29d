// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The kernel's half of every address space. C and assembly share the constants.
//
//   0xffff800000000000  direct map: physical memory, read-write, never executable. boot.S maps the
//                       first 4 GiB (BOOT_MAP_SIZE), the page with kernel text read-only;
//                       direct_map_reach adds what is above when it is needed.
//   0xffffffff80000000  the kernel image at KERNEL_BASE + physical address: text R-X, rodata R--,
//                       data and bss RW-, each on pages of its own.
#pragma once

#define DIRECT_MAP 0xffff800000000000
#define KERNEL_BASE 0xffffffff80000000
#define KERNEL_PHYS 0x200000 // where the boot loader puts the image
#define BOOT_MAP_SIZE 0x100000000
#define DIRECT_MAP_MAX 0x8000000000 // what one table of the second level covers
#define BOOT_STACK_SIZE 0x4000

#define PAGE_2M 0x200000
#define PDE_PER_TABLE 512

// Page-table entry bits that boot needs (SDM 3A, 4.5).
#define BOOT_PTE_P 0x1
#define BOOT_PTE_W 0x2
#define BOOT_PTE_PWT 0x8
#define BOOT_PTE_PCD 0x10
#define BOOT_PTE_A 0x20
#define BOOT_PTE_D 0x40
#define BOOT_PTE_PS 0x80
#define BOOT_PTE_G 0x100

// Selectors of the boot GDT, used until each CPU loads its own.
#define BOOT_CS 0x08
#define BOOT_DS 0x10

#ifndef __ASSEMBLER__
#include <tessera/types.h>

// Returns the direct-map address of physical address `phys`, which must be mapped there.
static inline void *phys_to_virt(u64 phys)
{
    return (void *)(DIRECT_MAP + phys);
}

// Returns the physical address behind a direct-map or kernel-image address.
static inline u64 virt_to_phys(const void *address)
{
    u64 virt = (u64)address;
    return virt >= KERNEL_BASE ? virt - KERNEL_BASE : virt - DIRECT_MAP;
}

// From kernel.ld, all virtual except kernel_phys_end.
extern char __text_start[], __text_end[], __rodata_start[], __rodata_end[];
extern char __data_start[], __data_end[], __bss_start[], __bss_end[];
extern char kernel_phys_end[]; // its address is the physical end of the image

// From boot.S: the top-level table that CPUs run on: direct map and kernel image only.
extern u64 kernel_pml4[512];
#endif
