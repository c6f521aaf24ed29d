// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// A driver in small: it finds QEMU's "edu" device (docs/specs/edu.txt of QEMU) through the PCI
// configuration's ports, takes its registers and a message-signalled interrupt, and has it copy
// from one RAM dataspace to another by the physical addresses that they have.
#include "lib/core/dataspace.h"
#include "lib/rt/selector.h"
#include "lib/rt/start.h"
#include "lib/rt/string.h"
#include "lib/rt/tsc.h"
#include "test/system/check.h"
#include "test/system/core/core.h"
#include "test/system/core/space.h"

enum { PCI_ADDRESS = 0xcf8, PCI_DATA = 0xcfc, PCI_SLOTS = 32, PCI_MSI = 5 };
// One transfer is less than its buffer of a page.
enum { EDU_ID = 0x11e81234, EDU_BYTES = 4088, EDU_BUFFER = 0x40000, SOON_US = 20000000 };
enum { EDU_RAISE = 0x60, EDU_ACK = 0x64, EDU_STATUS = 0x24 };
enum { EDU_SOURCE = 0x80, EDU_TARGET = 0x88, EDU_COUNT = 0x90, EDU_COMMAND = 0x98 };
enum { EDU_RUN = 1, EDU_TO_MEMORY = 2, EDU_INTERRUPT = 4 };

static struct service_client pci;
static struct io_mem registers;
static struct irq irq;
static struct space s;
static u32 slot;

static u32 config_read(u32 at)
{
    u32 value = ~0u;
    if (io_port_write(&pci, PCI_ADDRESS, 4, 1u << 31 | slot << 11 | at) ||
        io_port_read(&pci, PCI_DATA, 4, &value))
        return ~0u;
    return value;
}

static void config_write(u32 at, u32 value)
{
    (void)!io_port_write(&pci, PCI_ADDRESS, 4, 1u << 31 | slot << 11 | at);
    (void)!io_port_write(&pci, PCI_DATA, 4, value);
}

static bool find(void)
{
    for (slot = 0; slot < PCI_SLOTS; slot++) {
        if (config_read(0) == EDU_ID)
            return true;
    }
    return false;
}

// Memory access, bus master, and the interrupt as a message.
static bool start(void)
{
    u32 at = config_read(0x34) & 0xfc;
    while (at && (config_read(at) & 0xff) != PCI_MSI)
        at = config_read(at) >> 8 & 0xfc;
    if (!at || irq_open_message(&irq, hip()->cpu_count - 1))
        return false;
    bool wide = config_read(at) >> 16 & 0x80;
    config_write(at + 4, (u32)irq.message_address);
    if (wide)
        config_write(at + 8, 0);
    config_write(at + (wide ? 12 : 8), irq.message_data);
    config_write(at, config_read(at) | 1 << 16);
    config_write(4, config_read(4) | 6);
    u64 base = config_read(0x10) & ~15u;
    return !io_mem_open(&registers, base, 256, false);
}

static void put(unsigned at, u32 value)
{
    *(volatile u32 *)((volatile char *)registers.data + at) = value;
}

static u32 get(unsigned at)
{
    return *(volatile u32 *)((volatile char *)registers.data + at);
}

static error_t transfer(u64 source, u64 target, unsigned flags)
{
    put(EDU_SOURCE, (u32)source);
    put(EDU_TARGET, (u32)target);
    put(EDU_COUNT, EDU_BYTES);
    put(EDU_COMMAND, EDU_RUN | EDU_INTERRUPT | flags);
    error_t error = irq_wait(&irq, deadline_in_us(SOON_US));
    put(EDU_ACK, get(EDU_STATUS));
    return error;
}

static void dataspaces_serve_as_dma_buffers(void)
{
    volatile u64 *from, *to;
    u64 source, target, bytes;
    CHECK(space_open(&s));
    CHECK_EQ(open_args(&pci, "io_port", "0xcf8,8", 0), SUCCESS);
    CHECK(find());
    CHECK(start());
    put(EDU_RAISE, 0x10); // an interrupt without more
    CHECK_EQ(irq_wait(&irq, deadline_in_us(SOON_US)), SUCCESS);
    CHECK_EQ(get(EDU_STATUS), 0x10);
    put(EDU_ACK, 0x10);
    sel_t a = space_memory(&s, 16 * PAGE_SIZE, &from), b = space_memory(&s, 9 * PAGE_SIZE, &to);
    for (unsigned i = 0; i < 16 * PAGE_SIZE / 8; i++)
        from[i] = 0x1000 + i;
    CHECK_EQ(ds_phys(&s.pd, a, &source, &bytes), SUCCESS);
    CHECK_EQ(bytes, 16 * PAGE_SIZE);
    CHECK_EQ(ds_phys(&s.pd, b, &target, &bytes), SUCCESS);
    CHECK_EQ(source % PAGE_SIZE | target % PAGE_SIZE, 0);
    // Each page of one stands where contiguous memory has it; so does the last of the other.
    for (unsigned page = 0; page < 16; page += 5) {
        CHECK_EQ(transfer(source + page * PAGE_SIZE, EDU_BUFFER, 0), SUCCESS);
        CHECK_EQ(transfer(EDU_BUFFER, target + 8 * PAGE_SIZE, EDU_TO_MEMORY), SUCCESS);
        for (unsigned i = 0; i < EDU_BYTES / 8; i++)
            CHECK_EQ(to[8 * PAGE_SIZE / 8 + i], from[page * PAGE_SIZE / 8 + i]);
        CHECK_EQ(to[8 * PAGE_SIZE / 8 - 1], 0);
    }
    irq_close(&irq);
    io_mem_close(&registers);
    service_close(&pci);
    ds_free(&s.pd, a);
    ds_free(&s.pd, b);
    space_close(&s);
}

void dma_tests(void)
{
    RUN(dataspaces_serve_as_dma_buffers);
}
