// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Polled 16550 output (uart.h). Register numbers as in the PC16550D data sheet, table II.
#include "sigma0/uart.h"

enum { THR = 0, DLL = 0, DLM = 1, IER = 1, FCR = 2, LCR = 3, MCR = 4, LSR = 5 };
enum {
    LCR_8N1 = 0x03,
    LCR_DLAB = 0x80,
    FCR_ENABLE_CLEAR = 0x07,
    MCR_DTR_RTS = 0x03,
    LSR_THRE = 0x20
};
enum { DIVISOR_115200 = 1, PATIENCE = 100000 };

static bool absent;

static void port_write(unsigned reg, u8 value)
{
    __asm__ volatile("outb %0, %w1" : : "a"(value), "Nd"(UART_PORT + reg));
}

static u8 port_read(unsigned reg)
{
    u8 value;
    __asm__ volatile("inb %w1, %0" : "=a"(value) : "Nd"(UART_PORT + reg));
    return value;
}

void uart_init(void)
{
    absent = port_read(LSR) == 0xff; // nobody drives the bus
    if (absent)
        return;
    port_write(IER, 0);
    port_write(LCR, LCR_DLAB);
    port_write(DLL, DIVISOR_115200);
    port_write(DLM, 0);
    port_write(LCR, LCR_8N1);
    port_write(FCR, FCR_ENABLE_CLEAR);
    port_write(MCR, MCR_DTR_RTS);
}

static void send(char c)
{
    for (unsigned i = 0; !(port_read(LSR) & LSR_THRE); i++) {
        if (i == PATIENCE) {
            absent = true;
            return;
        }
    }
    port_write(THR, (u8)c);
}

void uart_write(const char *text, size_t length)
{
    for (size_t i = 0; i < length && !absent; i++) {
        if (text[i] == '\n')
            send('\r');
        send(text[i]);
    }
}
