// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The 16550's registers (uart.h).
#include "drivers/serial/uart.h"
#include "drivers/serial/port.h"

enum uart_register {
    DATA = 0,      // with LCR_DIVISOR: divisor, low
    INTERRUPT = 1, // enable; with LCR_DIVISOR: divisor, high
    IDENTITY = 2,  // read: which interrupt
    FIFO = 2,      // write
    LINE = 3,
    MODEM = 4,
    LINE_STATUS = 5,
    MODEM_STATUS = 6,
    SCRATCH = 7,
};

enum uart_bit {
    INTERRUPT_RECEIVE = 1 << 0,
    INTERRUPT_TRANSMIT = 1 << 1,
    INTERRUPT_LINE = 1 << 2,
    IDENTITY_NONE = 1 << 0,
    IDENTITY_FIFOS = 3 << 6,
    FIFO_ENABLE_CLEAR_14 = 0xc7, // on, both cleared, interrupt at 14 bytes or after a pause
    LINE_8N1 = 3,
    LINE_DIVISOR = 1 << 7,
    MODEM_DTR_RTS_OUT2 = 0xb, // OUT2 is what lets the interrupt out of the chip on a PC
    STATUS_DATA = 1 << 0,
    STATUS_OVERRUN = 1 << 1,
    STATUS_TRANSMIT_EMPTY = 1 << 5,
    STATUS_NO_CHIP =
        0xff, // nobody drives the bus; break and data errors in all bytes never come so
};

static void write(const struct uart *uart, enum uart_register which, u8 value)
{
    port_out((u16)(uart->base + which), value);
}

static u8 read(const struct uart *uart, enum uart_register which)
{
    return port_in((u16)(uart->base + which));
}

bool uart_init(struct uart *uart, u16 base, u8 *transmit, u32 transmit_size)
{
    *uart = (struct uart){.base = base, .fifo = 1, .enabled = INTERRUPT_RECEIVE | INTERRUPT_LINE};
    ring_init(&uart->transmit, transmit, transmit_size);
    write(uart, SCRATCH, 0x5a);
    if (read(uart, SCRATCH) != 0x5a)
        return false;
    write(uart, INTERRUPT, 0);
    write(uart, LINE, LINE_DIVISOR);
    write(uart, DATA, 1); // 115,200 baud
    write(uart, INTERRUPT, 0);
    write(uart, LINE, LINE_8N1);
    write(uart, FIFO, FIFO_ENABLE_CLEAR_14);
    if ((read(uart, IDENTITY) & IDENTITY_FIFOS) == IDENTITY_FIFOS)
        uart->fifo = UART_FIFO;
    write(uart, MODEM, MODEM_DTR_RTS_OUT2);
    (void)read(uart, LINE_STATUS);
    (void)read(uart, DATA);
    (void)read(uart, MODEM_STATUS);
    write(uart, INTERRUPT, uart->enabled);
    return true;
}

bool uart_pending(struct uart *uart)
{
    return !(read(uart, IDENTITY) & IDENTITY_NONE);
}

size_t uart_receive(struct uart *uart, u8 *bytes, size_t size)
{
    size_t count = 0;
    while (count < size) {
        u8 status = read(uart, LINE_STATUS);
        if (status == STATUS_NO_CHIP)
            break;
        uart->overruns += !!(status & STATUS_OVERRUN);
        if (!(status & STATUS_DATA))
            break;
        bytes[count++] = read(uart, DATA);
    }
    return count;
}

void uart_transmit(struct uart *uart)
{
    u8 byte, enabled = uart->enabled & (u8)~INTERRUPT_TRANSMIT;
    if (ring_used(&uart->transmit) && read(uart, LINE_STATUS) & STATUS_TRANSMIT_EMPTY) {
        for (unsigned i = 0; i < uart->fifo && ring_take(&uart->transmit, &byte, 1); i++)
            write(uart, DATA, byte);
    }
    if (ring_used(&uart->transmit))
        enabled |= INTERRUPT_TRANSMIT;
    if (enabled != uart->enabled)
        write(uart, INTERRUPT, enabled);
    uart->enabled = enabled;
}
