// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Bytes to and from I/O ports, which the program must own. Host tests play the device.
#pragma once

#include <tessera/types.h>

#ifndef HOST_TEST

static inline u8 port_in(u16 port)
{
    u8 value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}
static inline void port_out(u16 port, u8 value)
{
    __asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port) : "memory");
}

#else

u8 port_in(u16 port);
void port_out(u16 port, u8 value);

#endif
