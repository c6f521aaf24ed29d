// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The hypervisor information page, read-only at the top of every program's space (selector.h): what
// the kernel knows of the machine. A child's copy comes from its parent and may hide memory and
// archive.
#pragma once

#include <tessera/types.h>

#define HIP_MAGIC 0x31304152455353ul // "SSERA01"

enum hip_memory_kind {
    HIP_MEM_FREE = 1,
    HIP_MEM_RESERVED = 2,
    HIP_MEM_ACPI = 3,
    HIP_MEM_KERNEL = 4,
    HIP_MEM_ARCHIVE = 5
};

struct hip_memory {
    u64 base, size;
    u32 kind, reserved;
};
struct hip_cpu {
    u8 online, apic_id, reserved[6];
};

struct hip {
    u64 magic;
    u32 cpu_count, sel_count; // online CPUs; selectors in a capability space
    u32 gsi_count, msi_first; // interrupt semaphores; the first that is an MSI
    u64 tsc_khz;
    u64 features;                   // enum hip_feature
    u64 archive_base, archive_size; // physical, page aligned
    u64 rsdp;                       // physical address of the ACPI root pointer, 0 if none
    u64 fb_base, fb_size;
    u32 fb_width, fb_height, fb_pitch, fb_bpp; // 0: none
    u64 kmem_bytes;                            // kernel memory at boot: sigma0's account
    u64 boot_tsc;                              // TSC at kernel entry
    struct hip_cpu cpu[MAX_CPUS];
    u32 memory_count, reserved;
    struct hip_memory memory[64];
    char cmdline[512];
};
_Static_assert(sizeof(struct hip) <= 4096, "the HIP is one page");

enum hip_feature {
    HIP_SMEP = 1,
    HIP_SMAP = 2,
    HIP_UMIP = 4,
    HIP_NX = 8,
    HIP_PCID = 16,
    HIP_XSAVE = 32,
    HIP_FSGSBASE = 64,
    HIP_INVPCID = 128,
    HIP_PAGE_1G = 256
};
