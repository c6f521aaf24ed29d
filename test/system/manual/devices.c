// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The examples of doc/devices.md: the PC's clock and its HPET.
#include "lib/core/dataspace.h"
#include "lib/rt/selector.h"
#include "test/system/manual/manual.h"

// doc: clock begin
// The seconds of the PC's clock (MC146818 data sheet), by ports that sigma0 reads and writes for
// us.
error_t example_clock(unsigned *seconds)
{
    enum { INDEX = 0x70, DATA = 0x71, SECONDS = 0 };
    struct service_quota nothing = {0, 0};
    struct service_client clock;
    u32 value = 0;
    error_t error = service_init(&clock, "io_port", "", "0x70,2", nothing);
    if (error)
        return error;
    error = io_port_write(&clock, INDEX, 1, SECONDS);
    if (!error)
        error = io_port_read(&clock, DATA, 1, &value);
    if (!error && io_port_read(&clock, DATA, 2, &value) != EPERM)
        error = EABORT; // the second byte is nobody's whom we know
    *seconds = (value >> 4) * 10 + (value & 15);
    service_close(&clock);
    return error;
}
// doc: clock end

// doc: hpet begin
// The length of a tick of the HPET, in femtoseconds: its first register's upper half.
error_t example_hpet(u64 *period)
{
    struct io_mem hpet;
    error_t error = io_mem_open(&hpet, 0xfed00000, 0x400, false);
    if (error)
        return error; // EINUSE somebody has it, EPERM the parent denies it, or it is RAM
    *period = *(volatile u64 *)hpet.data >> 32;
    io_mem_close(&hpet);
    return SUCCESS;
}
// doc: hpet end

// doc: interrupts begin
// The clock's periodic interrupt, `count` times. The ports are ours meanwhile: `in` and `out`.
error_t example_interrupts(unsigned count)
{
    enum { STATUS_B = 0x0b, STATUS_C = 0x0c, PERIODIC = 0x40, GSI = 8 };
    struct io_port ports;
    struct irq irq;
    u8 b, causes;
    error_t error = io_port_open(&ports, 0x70, 2);
    if (error)
        return error;
    error = irq_open(&irq, GSI, false, thread_cpu());
    if (error) {
        io_port_close(&ports);
        return error;
    }
    __asm__ volatile("outb %1, $0x70\n\tinb $0x71, %0" : "=a"(b) : "a"((u8)STATUS_B));
    __asm__ volatile("outb %0, $0x71" ::"a"((u8)(b | PERIODIC)));
    for (unsigned i = 0; i < count && !error; i++) {
        // Reading its causes lets the chip raise the next one, which is an edge: so first the
        // interrupt is unmasked, then the chip is looked at, then waited for.
        irq_acknowledge(&irq);
        __asm__ volatile("outb %1, $0x70\n\tinb $0x71, %0" : "=a"(causes) : "a"((u8)STATUS_C));
        error = hc_sm_down(irq.sm, DEADLINE_NEVER);
    }
    __asm__ volatile("outb %0, $0x70" ::"a"((u8)STATUS_B));
    __asm__ volatile("outb %0, $0x71" ::"a"(b));
    irq_close(&irq);
    io_port_close(&ports);
    return error;
}
// doc: interrupts end
