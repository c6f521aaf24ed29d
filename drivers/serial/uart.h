// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// A 16550 UART (National Semiconductor PC16550D data sheet): its registers, without knowledge of
// interrupts or clients. No function waits: what the transmitter does not take stays in the ring
// until it says by its interrupt that it has room. The caller's lock guards a struct uart.
#pragma once

#include "drivers/serial/ring.h"

enum { UART_FIFO = 16, UART_PORTS = 8 };

struct uart {
    u16 base;             // first of its eight ports
    u8 fifo;              // bytes that an empty transmitter takes
    u8 enabled;           // interrupts that are on
    struct ring transmit; // what waits to be sent
    u64 overruns;         // bytes that the machine lost, as far as the chip tells: at least
};

// Sets the port to 115,200 baud, 8N1, FIFOs on, receive interrupts on. False if there is no such
// chip.
MUST_CHECK bool uart_init(struct uart *uart, u16 base, u8 *transmit, u32 transmit_size);

// Whether it asks for an interrupt; reading it acknowledges "transmitter empty".
bool uart_pending(struct uart *uart);
// Takes up to `size` received bytes out of the chip; returns how many.
size_t uart_receive(struct uart *uart, u8 *bytes, size_t size);
// Gives the chip what it takes at once from the ring; its interrupt stays on while more is left.
void uart_transmit(struct uart *uart);
