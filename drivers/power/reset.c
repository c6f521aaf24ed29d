// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The last writes (reset.h). Ports are opened when they are used, not before: some of them belong
// to other drivers while the machine runs, and then that way is left out.
//
// ACPI 6.5: 4.8.3.2.1 PM1 control, 4.8.3.6 reset register. Port 0xcf9 is the reset control register
// of Intel's chipsets, whose write of 6 after 2 resets processors and devices. Command 0xfe of the
// keyboard controller pulses the line that it has been wired to since the IBM AT.
#include "drivers/power/reset.h"
#include "lib/rt/tsc.h"
#include "lib/service/env.h"

enum {
    PM1_SCI_ENABLED = 1 << 0,
    PM1_TYPE_SHIFT = 10,
    PM1_TYPE_MASK = 7 << PM1_TYPE_SHIFT,
    PM1_SLEEP = 1 << 13,
    RESET_PORT = 0xcf9,
    RESET_PREPARE = 2,
    RESET_FULL = 6,
    KEYBOARD_PORT = 0x64,
    KEYBOARD_BUSY = 1 << 1,
    KEYBOARD_RESET = 0xfe,
    ENABLE_WAIT_US = 3000000, // for the change to ACPI mode; firmware may take its time
    EFFECT_WAIT_US = 2000000, // an emulator that is busy takes its time, too
    KEYBOARD_WAIT_US = 100000,
};

static u8 in8(u16 port)
{
    u8 value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
static u16 in16(u16 port)
{
    u16 value;
    __asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
static void out8(u16 port, u8 value)
{
    __asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port));
}
static void out16(u16 port, u16 value)
{
    __asm__ volatile("outw %0, %1" ::"a"(value), "Nd"(port));
}

static void spin(u64 us)
{
    u64 end = deadline_in_us(us);
    while (rdtsc() < end)
        __builtin_ia32_pause();
}

// The registers mean something in ACPI mode only, which firmware enters at a word from us.
static error_t acpi_mode(const struct acpi_fadt *fadt)
{
    static struct io_port port;
    if (in16(fadt->pm1a) & PM1_SCI_ENABLED || !fadt->smi_command || !fadt->acpi_enable)
        return SUCCESS;
    error_t error = io_port_open(&port, fadt->smi_command, 1);
    if (error)
        return error;
    out8(fadt->smi_command, fadt->acpi_enable);
    u64 end = deadline_in_us(ENABLE_WAIT_US);
    while (!(in16(fadt->pm1a) & PM1_SCI_ENABLED) && rdtsc() < end)
        __builtin_ia32_pause();
    io_port_close(&port);
    return SUCCESS;
}

static void sleep_write(u16 port, u8 type, u16 sleep)
{
    out16(port, (u16)((in16(port) & ~PM1_TYPE_MASK) | type << PM1_TYPE_SHIFT | sleep));
}

// Both ports are ours.
static error_t sleep_enter(const struct machine *machine)
{
    const struct acpi_fadt *fadt = &machine->fadt;
    error_t error = acpi_mode(fadt);
    if (error)
        return error;
    sleep_write(fadt->pm1a, machine->type_a, 0);
    if (fadt->pm1b)
        sleep_write(fadt->pm1b, machine->type_b, 0);
    sleep_write(fadt->pm1a, machine->type_a, PM1_SLEEP);
    if (fadt->pm1b)
        sleep_write(fadt->pm1b, machine->type_b, PM1_SLEEP);
    spin(EFFECT_WAIT_US);
    return EFEATURE;
}

error_t machine_off(const struct machine *machine)
{
    static struct io_port a, b;
    const struct acpi_fadt *fadt = &machine->fadt;
    if (!machine->has_fadt || !machine->has_s5)
        return EFEATURE;
    error_t error = io_port_open(&a, fadt->pm1a, 2);
    if (error)
        return error;
    if (fadt->pm1b)
        error = io_port_open(&b, fadt->pm1b, 2);
    if (!error) {
        error = sleep_enter(machine);
        if (fadt->pm1b)
            io_port_close(&b);
    }
    io_port_close(&a);
    return error;
}

static error_t reset_memory(const struct acpi_fadt *fadt)
{
    static struct io_mem memory;
    error_t error = io_mem_open(&memory, fadt->reset.address, 1, false);
    if (error)
        return error;
    *(volatile u8 *)memory.data = fadt->reset_value;
    spin(EFFECT_WAIT_US);
    io_mem_close(&memory);
    return EFEATURE;
}

static error_t reset_port(u16 number, u8 first, u8 second)
{
    static struct io_port port;
    error_t error = io_port_open(&port, number, 1);
    if (error)
        return error;
    out8(number, first);
    out8(number, second);
    spin(EFFECT_WAIT_US);
    io_port_close(&port);
    return EFEATURE;
}

static error_t reset_keyboard(void)
{
    static struct io_port port;
    error_t error = io_port_open(&port, KEYBOARD_PORT, 1);
    if (error)
        return error;
    u64 end = deadline_in_us(KEYBOARD_WAIT_US);
    while (in8(KEYBOARD_PORT) & KEYBOARD_BUSY && rdtsc() < end)
        __builtin_ia32_pause();
    out8(KEYBOARD_PORT, KEYBOARD_RESET);
    spin(EFFECT_WAIT_US);
    io_port_close(&port);
    return EFEATURE;
}

error_t machine_reset(const struct machine *machine)
{
    const struct acpi_fadt *fadt = &machine->fadt;
    error_t first = EFEATURE, error;
    if (machine->has_fadt && fadt->reset_supported) {
        if (fadt->reset.space == ACPI_IO && fadt->reset.address <= UINT16_MAX)
            first = reset_port((u16)fadt->reset.address, fadt->reset_value, fadt->reset_value);
        else if (fadt->reset.space == ACPI_MEMORY)
            first = reset_memory(fadt);
    }
    error = reset_port(RESET_PORT, RESET_PREPARE, RESET_FULL);
    if (first == EFEATURE)
        first = error;
    error = reset_keyboard();
    return first == EFEATURE ? error : first;
}
