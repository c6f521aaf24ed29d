// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What the kernel needs from the ACPI tables: CPUs, interrupt controllers and the clock to
// calibrate by. All else is for the user-level driver, which gets the root pointer.
#pragma once

#include <tessera/types.h>

enum { ACPI_IOAPICS_MAX = 8, ACPI_OVERRIDES_MAX = 16 };

struct acpi_ioapic {
    u32 phys, gsi_base;
};

// An ISA interrupt that is wired other than to the GSI of its number, edge-triggered, active-high.
struct acpi_override {
    u32 gsi;
    u8 irq;
    bool level, active_low;
};

struct acpi_info {
    u64 rsdp;                  // physical; 0: no ACPI
    u64 lapic_phys;            // 0: not told, use the processor's own word
    u32 cpu_count;             // at least 1
    u32 cpu_apic_id[MAX_CPUS]; // [0] is the CPU that booted
    u32 ioapic_count;
    struct acpi_ioapic ioapic[ACPI_IOAPICS_MAX];
    u32 override_count;
    struct acpi_override override[ACPI_OVERRIDES_MAX];
    u16 pm_timer_port; // 3.58 MHz counter; 0: none
};

// Fills `info` from the tables behind the root pointer at physical address `rsdp`, or where a BIOS
// puts it if that is 0. A table that is absent, malformed or above BOOT_MAP_SIZE is passed over;
// with none at all, the machine has the one CPU and no I/O APIC.
void acpi_read(struct acpi_info *info, u64 rsdp);
