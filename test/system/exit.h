// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// How a test program under init ends its machine: QEMU's isa-debug-exit device, which tools/qemu
// adds for tests.
#pragma once

#include "lib/service/env.h"

enum { EXIT_PORT = 0xf4 };

// Ends QEMU: 0 is success. Returns if there is no such device or no route to it.
static inline void machine_exit(u32 code)
{
    struct io_port port;
    if (!io_port_open(&port, EXIT_PORT, 4))
        __asm__ volatile("outl %0, %w1" ::"a"(code), "Nd"((u16)EXIT_PORT));
}
