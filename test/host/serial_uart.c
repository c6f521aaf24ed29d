// needs: drivers/serial/ring.c drivers/serial/uart.c
// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The 16550 driver against a model of the chip: FIFOs of 16 bytes, the transmitter's interrupt, and
// machines without such a chip.
#include "drivers/serial/uart.h"
#include "drivers/serial/port.h"
#include "test/host/check.h"

enum { BASE = 0x3f8 };

static struct chip {
    bool present, fifos, overrun, transmit_cause;
    u8 interrupt, line, modem, scratch, divisor;
    u8 in[64], fifo[16];
    unsigned in_count, fifo_count, depth, reads;
    u8 sent[4096];
    unsigned sent_count, lost;
} chip;

static u8 identity(void)
{
    u8 fifos = chip.fifos ? 0xc0 : 0;
    if (chip.interrupt & 1 && chip.in_count)
        return fifos | 4;
    if (chip.interrupt & 2 && chip.transmit_cause) {
        chip.transmit_cause = false;
        return fifos | 2;
    }
    return fifos | 1;
}

static u8 data_in(void)
{
    u8 byte = chip.in[0];
    if (!chip.in_count)
        return 0;
    chip.in_count--;
    for (unsigned i = 0; i < chip.in_count; i++)
        chip.in[i] = chip.in[i + 1];
    return byte;
}

u8 port_in(u16 port)
{
    u8 status;
    chip.reads++;
    if (!chip.present)
        return 0xff;
    switch (port - BASE) {
    case 0: return data_in();
    case 2: return identity();
    case 5:
        status = (chip.in_count > 0) | chip.overrun << 1 | (chip.fifo_count == 0) << 5;
        chip.overrun = false;
        return status;
    case 7: return chip.scratch;
    default: return 0;
    }
}

static void data_out(u8 value)
{
    if (chip.line & 0x80) {
        chip.divisor = value;
        return;
    }
    chip.transmit_cause = false;
    if (chip.fifo_count < chip.depth)
        chip.fifo[chip.fifo_count++] = value;
    else
        chip.lost++;
}

void port_out(u16 port, u8 value)
{
    switch (port - BASE) {
    case 0: data_out(value); break;
    case 1:
        if (chip.line & 0x80)
            break;
        if (value & 2 && !(chip.interrupt & 2) && !chip.fifo_count)
            chip.transmit_cause = true;
        chip.interrupt = value;
        break;
    case 2: chip.fifos = value & 1 && chip.depth == 16; break;
    case 3: chip.line = value; break;
    case 4: chip.modem = value; break;
    case 7: chip.scratch = value; break;
    default: CHECK(!"a port that is not ours");
    }
}

// The line takes what the transmitter holds.
static void drain(void)
{
    for (unsigned i = 0; i < chip.fifo_count; i++)
        chip.sent[chip.sent_count++ % sizeof(chip.sent)] = chip.fifo[i];
    chip.transmit_cause |= chip.fifo_count > 0;
    chip.fifo_count = 0;
}

static struct uart uart;
static u8 transmit[1024];

static bool start(unsigned depth)
{
    chip = (struct chip){.present = true, .depth = depth};
    return uart_init(&uart, BASE, transmit, sizeof(transmit));
}

static void missing_chip_is_noticed(void)
{
    chip = (struct chip){.present = false};
    CHECK(!uart_init(&uart, BASE, transmit, sizeof(transmit)));
}

static void chip_is_set_up(void)
{
    CHECK(start(16));
    CHECK(chip.line == 3 && chip.divisor == 1 && chip.modem == 0xb && chip.interrupt == 5);
    CHECK(uart.fifo == 16);
    CHECK(!uart_pending(&uart));
    CHECK(start(1) && uart.fifo == 1);
}

static void all_bytes_are_sent_in_order(unsigned depth)
{
    u8 text[1000];
    CHECK(start(depth));
    for (unsigned i = 0; i < sizeof(text); i++)
        text[i] = (u8)(i * 31 + i / 256);
    CHECK(ring_put(&uart.transmit, text, sizeof(text)) == sizeof(text));
    uart_transmit(&uart);
    CHECK(chip.interrupt & 2);
    unsigned rounds = 0;
    while (ring_used(&uart.transmit) && rounds++ < 2000) {
        u32 before = ring_used(&uart.transmit);
        uart_transmit(&uart); // the transmitter is full: nothing may happen
        CHECK(ring_used(&uart.transmit) == before);
        drain();
        CHECK(uart_pending(&uart));
        uart_transmit(&uart);
    }
    drain();
    CHECK(chip.lost == 0 && chip.sent_count == sizeof(text));
    unsigned wrong = 0;
    for (unsigned i = 0; i < sizeof(text); i++)
        wrong += chip.sent[i] != text[i];
    CHECK(wrong == 0);
    CHECK(!(chip.interrupt & 2)); // silent when nothing is left
    CHECK(!uart_pending(&uart));
}

static void fifo_of_sixteen(void)
{
    all_bytes_are_sent_in_order(16);
}

static void no_fifo(void)
{
    all_bytes_are_sent_in_order(1);
}

static void received_bytes_come_in_pieces(void)
{
    u8 bytes[8];
    CHECK(start(16));
    for (unsigned i = 0; i < 12; i++)
        chip.in[chip.in_count++] = (u8)('a' + i);
    chip.overrun = true;
    CHECK(uart_pending(&uart));
    CHECK(uart_receive(&uart, bytes, 8) == 8 && bytes[0] == 'a' && bytes[7] == 'h');
    CHECK(uart_receive(&uart, bytes, 8) == 4 && bytes[3] == 'l');
    CHECK(uart_receive(&uart, bytes, 8) == 0 && !uart_pending(&uart));
    CHECK(uart.overruns == 1);
}

// A chip that vanishes reads as ones: no input, and each call ends.
static void no_call_waits_for_ever(void)
{
    u8 bytes[64];
    CHECK(start(16));
    chip.present = false;
    chip.reads = 0;
    CHECK(uart_receive(&uart, bytes, sizeof(bytes)) == 0);
    CHECK(!uart_pending(&uart));
    uart_transmit(&uart);
    CHECK(chip.reads < 200);
}

int main(void)
{
    RUN(missing_chip_is_noticed);
    RUN(chip_is_set_up);
    RUN(fifo_of_sixteen);
    RUN(no_fifo);
    RUN(received_bytes_come_in_pieces);
    RUN(no_call_waits_for_ever);
    return check_failures != 0;
}
