// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Kernel access to device registers.
#pragma once

#include <tessera/types.h>

// Returns the direct-map address of [phys, phys + size), made uncached by whole 2 MiB pages, or
// NULL above BOOT_MAP_SIZE. For the interrupt controllers, near which there is no RAM. Before other
// CPUs are started only.
void *map_device(u64 phys, u64 size);

static inline u32 mmio_read(const volatile void *address)
{
    return *(const volatile u32 *)address;
}
static inline void mmio_write(volatile void *address, u32 value)
{
    *(volatile u32 *)address = value;
}
