// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What the processor can do, and the control registers that follow from it.
#pragma once

#include <tessera/types.h>

extern u64 cpu_features;   // enum hip_feature; all CPUs are taken to be like the first
extern u64 cpu_xcr0;       // state components that XSAVE handles; 0 without HIP_XSAVE
extern u32 cpu_xsave_size; // bytes of an FPU save area: XSAVE's for cpu_xcr0, else FXSAVE's 512

// Reads CPUID and sets CR0 (write protection), CR4 (SMEP, SMAP, UMIP, global pages, PCIDs,
// FSGSBASE, SSE, XSAVE, machine checks), EFER (syscall, NX), XCR0 and the PAT, whose entry 1 (PWT
// alone) becomes write-combining. Once on each CPU, on a page table whose CR3 has no PCID; first on
// the one that booted.
void cpu_features_init(void);
