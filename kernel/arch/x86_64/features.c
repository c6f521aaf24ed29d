// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// CPUID leaves: SDM 2A, CPUID; control registers: SDM 3A, 2.5.

#include "kernel/arch/x86_64/features.h"
#include "kernel/arch/x86_64/x86.h"
#include <tessera/hip.h>

enum {
    LEAF1_ECX_PCID = 1 << 17,
    LEAF1_ECX_XSAVE = 1 << 26,
    LEAF1_EDX_MCE = 1 << 7,
    LEAF1_EDX_PGE = 1 << 13,
    LEAF1_EDX_PAT = 1 << 16,
    LEAF7_EBX_FSGSBASE = 1 << 0,
    LEAF7_EBX_SMEP = 1 << 7,
    LEAF7_EBX_INVPCID = 1 << 10,
    LEAF7_EBX_SMAP = 1 << 20,
    LEAF7_ECX_UMIP = 1 << 2,
    LEAFX_EDX_NX = 1 << 20,
    LEAFX_EDX_PAGE_1G = 1 << 26,
};
enum { LEAF_XSAVE = 0xd, FXSAVE_SIZE = 512 };

#define XCR0_X87 (1ul << 0)
#define XCR0_SSE (1ul << 1)
#define XCR0_AVX (1ul << 2)
#define XCR0_AVX512 (7ul << 5)

// Entries 0–3: write-back, write-combining, UC-, uncached; 4–7 as after reset (SDM 3A, 12.12.4).
#define PAT_VALUE 0x0007040600070106ul

u64 cpu_features;
u64 cpu_xcr0;
u32 cpu_xsave_size = FXSAVE_SIZE;

static u64 features_read(const struct cpuid *leaf1)
{
    struct cpuid leaf7 = {0}, extended = cpuid(0x80000001u, 0);
    u64 features = 0;

    if (cpuid(0, 0).eax >= 7)
        leaf7 = cpuid(7, 0);
    if (leaf7.ebx & LEAF7_EBX_SMEP)
        features |= HIP_SMEP;
    if (leaf7.ebx & LEAF7_EBX_SMAP)
        features |= HIP_SMAP;
    if (leaf7.ecx & LEAF7_ECX_UMIP)
        features |= HIP_UMIP;
    if (leaf7.ebx & LEAF7_EBX_FSGSBASE)
        features |= HIP_FSGSBASE;
    if (leaf7.ebx & LEAF7_EBX_INVPCID)
        features |= HIP_INVPCID;
    if (leaf1->ecx & LEAF1_ECX_PCID)
        features |= HIP_PCID;
    if (leaf1->ecx & LEAF1_ECX_XSAVE)
        features |= HIP_XSAVE;
    if (extended.edx & LEAFX_EDX_NX)
        features |= HIP_NX;
    if (extended.edx & LEAFX_EDX_PAGE_1G)
        features |= HIP_PAGE_1G;
    return features;
}

static u64 cr4_bits(const struct cpuid *leaf1)
{
    u64 cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT;

    if (leaf1->edx & LEAF1_EDX_MCE)
        cr4 |= CR4_MCE;
    if (leaf1->edx & LEAF1_EDX_PGE)
        cr4 |= CR4_PGE;
    if (cpu_features & HIP_SMEP)
        cr4 |= CR4_SMEP;
    if (cpu_features & HIP_SMAP)
        cr4 |= CR4_SMAP;
    if (cpu_features & HIP_UMIP)
        cr4 |= CR4_UMIP;
    // FSGSBASE stays off: bases change only through the kernel, which switches them lazily
    // (exit.c).
    if (cpu_features & HIP_PCID)
        cr4 |= CR4_PCIDE;
    if (cpu_features & HIP_XSAVE)
        cr4 |= CR4_OSXSAVE;
    return cr4;
}

static void xsave_init(void)
{
    struct cpuid leaf = cpuid(LEAF_XSAVE, 0);
    u64 offered = leaf.eax | (u64)leaf.edx << 32;

    cpu_xcr0 = XCR0_X87 | XCR0_SSE | (offered & XCR0_AVX);
    if ((cpu_xcr0 & XCR0_AVX) && (offered & XCR0_AVX512) == XCR0_AVX512)
        cpu_xcr0 |= XCR0_AVX512;
    xsetbv(0, cpu_xcr0);
    cpu_xsave_size = cpuid(LEAF_XSAVE, 0).ebx; // for what XCR0 enables now
}

void cpu_features_init(void)
{
    struct cpuid leaf1 = cpuid(1, 0);

    if (!cpu_features)
        cpu_features = features_read(&leaf1);
    write_cr0(CR0_PG | CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_PE);
    write_cr4(cr4_bits(&leaf1));
    wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE | (cpu_features & HIP_NX ? EFER_NXE : 0));
    if (leaf1.edx & LEAF1_EDX_PAT)
        wrmsr(MSR_PAT, PAT_VALUE);
    if (cpu_features & HIP_XSAVE)
        xsave_init();
}
