// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The console before there are drivers: polled output to the first serial port (COM1, 16550).
#pragma once

#include <tessera/types.h>

enum { UART_PORT = 0x3f8, UART_PORTS = 8 };

// Sets the line up: 115,200 baud, 8n1, FIFOs, no interrupts. sigma0 must have the ports.
void uart_init(void);
// Sends text; a newline becomes carriage return and newline. Gives up on a port that never gets
// ready.
void uart_write(const char *text, size_t length);
