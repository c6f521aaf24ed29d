// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Physical memory of host tests of the kernel: an array; physical addresses are offsets into it.
#pragma once

#include <tessera/types.h>

enum { HOST_MEMORY = 8 << 20 };
extern char host_memory[HOST_MEMORY];
extern u64 kernel_pml4[512];

static inline void *phys_to_virt(u64 phys)
{
    return host_memory + phys;
}
static inline u64 virt_to_phys(const void *address)
{
    return (u64)((const char *)address - host_memory);
}
