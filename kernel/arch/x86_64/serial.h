// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Polled output on the first serial port, for boot messages and panics. Once the system runs, the
// port belongs to a user-level driver; only a panic writes here again.
#pragma once

#include <tessera/types.h>

// Programs COM1 to 115200 8N1 with FIFOs on and interrupts off. If there is no such port, output is
// dropped from then on.
void serial_init(void);

// Writes one character, "\n" as "\r\n". Waits a bounded time for room, then writes regardless.
void serial_putc(char c);
