// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The I/O interrupt controllers' registers (Intel 82093AA data sheet, section 3.2.4), with two
// controllers in memory: what an input is set to, and that it is masked until it is wanted. QEMU
// does not look at the polarity, and an interrupt at the wrong CPU still arrives.
#include "kernel/arch/x86_64/mmio.h"

static u32 host_read(const volatile void *address);
static void host_write(volatile void *address, u32 value);
#define mmio_read host_read
#define mmio_write host_write
#include "kernel/arch/x86_64/ioapic.c"
#include "test/host/check.h"

enum { CONTROLLERS = 2, INPUTS = 4, REGISTERS = 0x10 + 2 * INPUTS };

static struct {
    char window[REGISTERS_SIZE]; // what the kernel maps
    u32 index, reg[REGISTERS];
} controller[CONTROLLERS];

static unsigned controller_of(const volatile void *address)
{
    unsigned i = 0;
    while (i + 1 < CONTROLLERS && (const volatile char *)address >= controller[i + 1].window)
        i++;
    return i;
}
static u32 host_read(const volatile void *address)
{
    unsigned i = controller_of(address);
    CHECK((const volatile char *)address == controller[i].window + WINDOW);
    return controller[i].reg[controller[i].index];
}
static void host_write(volatile void *address, u32 value)
{
    unsigned i = controller_of(address);
    if ((volatile char *)address == controller[i].window + INDEX)
        controller[i].index = value < REGISTERS ? value : 0;
    else
        controller[i].reg[controller[i].index] = value;
}
void *map_device(u64 phys, u64 size)
{
    CHECK(size == REGISTERS_SIZE);
    return controller[phys].window;
}
void spin_relax(void)
{
    abort(); // one CPU: the lock was never let go
}

static u32 low(u32 gsi)
{
    return controller[gsi / INPUTS].reg[REG_REDIRECTION + 2 * (gsi % INPUTS)];
}
static u32 high(u32 gsi)
{
    return controller[gsi / INPUTS].reg[REG_REDIRECTION + 2 * (gsi % INPUTS) + 1];
}

static void all_is_masked_at_first(void)
{
    static const struct acpi_info info = {
        .ioapic_count = CONTROLLERS,
        .ioapic = {{0, 0}, {1, INPUTS}},
        .override_count = 2,
        .override = {{.gsi = 2, .level = true}, {.gsi = 6, .active_low = true}}};
    for (unsigned i = 0; i < CONTROLLERS; i++)
        controller[i].reg[REG_VERSION] = (INPUTS - 1) << 16;
    ioapic_init(&info);
    CHECK(ioapic_gsi_count() == CONTROLLERS * INPUTS);
    for (u32 gsi = 0; gsi < CONTROLLERS * INPUTS; gsi++)
        CHECK(low(gsi) == ENTRY_MASKED);
}

static void inputs_are_routed_masked(void)
{
    CHECK(!ioapic_route(1, 0x31, 0, false, false));
    CHECK(low(1) == (ENTRY_MASKED | 0x31) && high(1) == 0);
    CHECK(ioapic_route(5, 0x35, 7, true, true));
    CHECK(low(5) == (ENTRY_MASKED | ENTRY_LEVEL | ENTRY_ACTIVE_LOW | 0x35) && high(5) == 7u << 24);
    ioapic_unmask(5);
    CHECK(ioapic_route(5, 0x36, 3, true, false)); // also one that was not
    CHECK(low(5) == (ENTRY_MASKED | ENTRY_LEVEL | 0x36) && high(5) == 3u << 24);
}

static void firmware_knows_better(void)
{
    CHECK(ioapic_route(2, 0x32, 0, false, true));
    CHECK(low(2) == (ENTRY_MASKED | ENTRY_LEVEL | 0x32));
    CHECK(!ioapic_route(6, 0x36, 0, true, false));
    CHECK(low(6) == (ENTRY_MASKED | ENTRY_ACTIVE_LOW | 0x36));
}

static void masking_changes_nothing_else(void)
{
    u32 before[CONTROLLERS * INPUTS];
    for (u32 gsi = 0; gsi < CONTROLLERS * INPUTS; gsi++)
        before[gsi] = low(gsi);
    for (u32 gsi = 0; gsi < CONTROLLERS * INPUTS; gsi++) {
        ioapic_unmask(gsi);
        CHECK(low(gsi) == (before[gsi] & ~(u32)ENTRY_MASKED));
        ioapic_unmask(gsi);
        for (u32 other = 0; other < CONTROLLERS * INPUTS; other++)
            CHECK(other == gsi || low(other) == before[other]);
        ioapic_mask(gsi);
        ioapic_mask(gsi);
        CHECK(low(gsi) == before[gsi]);
    }
}

static void inputs_that_are_not_there_are_ignored(void)
{
    CHECK(ioapic_route(CONTROLLERS * INPUTS, 0x40, 0, true, true));
    CHECK(!ioapic_route(~0u, 0x40, 0, false, false));
    ioapic_unmask(CONTROLLERS * INPUTS);
    ioapic_mask(~0u);
    for (u32 gsi = 0; gsi < CONTROLLERS * INPUTS; gsi++)
        CHECK(low(gsi) & ENTRY_MASKED && (low(gsi) & 0xff) != 0x40);
}

int main(void)
{
    RUN(all_is_masked_at_first);
    RUN(inputs_are_routed_masked);
    RUN(firmware_knows_better);
    RUN(masking_changes_nothing_else);
    RUN(inputs_that_are_not_there_are_ignored);
    return check_failures != 0;
}
