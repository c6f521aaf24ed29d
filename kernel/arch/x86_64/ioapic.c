// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Intel 82093AA data sheet, section 3. Registers are reached through an index and a window, so a
// lock keeps CPUs apart; it is a leaf of the lock order.

#include "kernel/arch/x86_64/ioapic.h"
#include "kernel/arch/x86_64/mmio.h"
#include "kernel/spinlock.h"

enum { INDEX = 0x00, WINDOW = 0x10, REGISTERS_SIZE = 0x20 };
enum { REG_VERSION = 1, REG_REDIRECTION = 0x10 }; // two registers an input
enum { ENTRY_ACTIVE_LOW = 1 << 13, ENTRY_LEVEL = 1 << 15, ENTRY_MASKED = 1 << 16 };

struct ioapic {
    char *registers;
    u32 gsi_base, inputs;
};

static struct ioapic ioapics[ACPI_IOAPICS_MAX];
static u32 ioapic_count;
static const struct acpi_info *acpi;
static struct spinlock lock;

static u32 reg_read(const struct ioapic *ioapic, u32 reg)
{
    mmio_write(ioapic->registers + INDEX, reg);
    return mmio_read(ioapic->registers + WINDOW);
}

static void reg_write(const struct ioapic *ioapic, u32 reg, u32 value)
{
    mmio_write(ioapic->registers + INDEX, reg);
    mmio_write(ioapic->registers + WINDOW, value);
}

void ioapic_init(const struct acpi_info *info)
{
    acpi = info;
    for (u32 i = 0; i < info->ioapic_count; i++) {
        struct ioapic *ioapic = &ioapics[ioapic_count];
        ioapic->registers = map_device(info->ioapic[i].phys, REGISTERS_SIZE);
        if (!ioapic->registers)
            continue;
        ioapic->gsi_base = info->ioapic[i].gsi_base;
        ioapic->inputs = (reg_read(ioapic, REG_VERSION) >> 16 & 0xff) + 1;
        for (u32 input = 0; input < ioapic->inputs; input++)
            reg_write(ioapic, REG_REDIRECTION + 2 * input, ENTRY_MASKED);
        ioapic_count++;
    }
}

u32 ioapic_gsi_count(void)
{
    u32 count = 0;

    for (u32 i = 0; i < ioapic_count; i++)
        if (ioapics[i].gsi_base + ioapics[i].inputs > count)
            count = ioapics[i].gsi_base + ioapics[i].inputs;
    return count;
}

// Returns the controller of `gsi` and the number of its first redirection register, or NULL.
static const struct ioapic *ioapic_of(u32 gsi, u32 *reg)
{
    for (u32 i = 0; i < ioapic_count; i++) {
        u32 input = gsi - ioapics[i].gsi_base;
        if (input < ioapics[i].inputs) {
            *reg = REG_REDIRECTION + 2 * input;
            return &ioapics[i];
        }
    }
    return NULL;
}

bool ioapic_route(u32 gsi, u8 vector, u32 apic_id, bool level, bool active_low)
{
    u32 reg;
    const struct ioapic *ioapic = ioapic_of(gsi, &reg);

    if (!ioapic)
        return level;
    for (u32 i = 0; i < acpi->override_count; i++) {
        if (acpi->override[i].gsi == gsi) {
            level = acpi->override[i].level;
            active_low = acpi->override[i].active_low;
        }
    }
    u32 entry = ENTRY_MASKED | vector;
    if (level)
        entry |= ENTRY_LEVEL;
    if (active_low)
        entry |= ENTRY_ACTIVE_LOW;
    spin_lock(&lock);
    reg_write(ioapic, reg, ENTRY_MASKED);
    reg_write(ioapic, reg + 1, apic_id << 24);
    reg_write(ioapic, reg, entry);
    spin_unlock(&lock);
    return level;
}

static void set_masked(u32 gsi, bool masked)
{
    u32 reg;
    const struct ioapic *ioapic = ioapic_of(gsi, &reg);

    if (!ioapic)
        return;
    spin_lock(&lock);
    u32 entry = reg_read(ioapic, reg) & ~(u32)ENTRY_MASKED;
    reg_write(ioapic, reg, entry | (masked ? ENTRY_MASKED : 0));
    spin_unlock(&lock);
}

void ioapic_mask(u32 gsi)
{
    set_masked(gsi, true);
}

void ioapic_unmask(u32 gsi)
{
    set_masked(gsi, false);
}
