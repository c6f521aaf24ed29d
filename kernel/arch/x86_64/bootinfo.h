// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What the boot loader told, in one form whatever the protocol (PVH or Multiboot 2). Everything is
// copied, so that the loader's own structures may be overwritten once kernel_main runs.
#pragma once

#include <tessera/hip.h>

#define BOOT_MEMORY_MAX 64 // as many as the HIP holds

enum boot_protocol { BOOT_PVH = 1, BOOT_MULTIBOOT2 = 2 };

struct boot_framebuffer {
    u64 base, size;
    u32 width, height, pitch, bpp;
};

struct boot_info {
    enum boot_protocol protocol;
    u64 boot_tsc;                        // TSC at the kernel's first instruction
    u64 archive_base, archive_size;      // physical, the first module; size 0: none was given
    u64 rsdp;                            // physical address of the ACPI root pointer; 0: unknown
    struct boot_framebuffer framebuffer; // size 0: none
    // Sorted by base, page aligned, without overlaps: free memory shrinks to whole pages,
    // everything else grows to them. The kernel image and the page for smp.c are HIP_MEM_KERNEL,
    // the archive HIP_MEM_ARCHIVE.
    u32 memory_count;
    struct hip_memory memory[BOOT_MEMORY_MAX];
    u64 trampoline;    // physical page below 640 KiB in which other CPUs start; 0: none was free
    char cmdline[512]; // ends in a zero byte, cut if it was longer
};

// Called by boot.S on the boot stack, interrupts off, on kernel_pml4. Reads what the loader left at
// physical address `info` by the protocol that `magic` names and calls kernel_main, which does not
// return. Panics if the protocol is unknown or no memory map came with it.
NORETURN void boot_start(u32 magic, u64 info, u64 tsc);

// The generic kernel's entry. `info` stays valid for good.
NORETURN void kernel_main(struct boot_info *info);
