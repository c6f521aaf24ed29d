// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Starting the other CPUs.
#pragma once

#include "kernel/arch/x86_64/acpi.h"
#include <tessera/types.h>

extern u64 smp_trampoline; // physical page below 640 KiB in which they begin; 0: none is started

// Starts CPUs 1 to info->cpu_count - 1, all at once, each on the stack that ap_stack gives. After
// tsc_calibrate and lapic_init_cpu. Waits until all have come, at most about two seconds; one
// that has not by then stays halted for good should it come later.
void smp_start(const struct acpi_info *info);

// Whether `cpu` runs: 0 always, others once they were about to call ap_main.
bool smp_online(unsigned cpu);

// Returns the number of the CPU that runs this, by its APIC identifier; 0 before smp_start.
// Slow, for boot and panic.
unsigned smp_this_cpu(void);

// Given by the generic kernel. ap_stack returns the stack's end (16-byte aligned) or NULL to leave
// the CPU out. ap_main runs on it with interrupts off, on the page table that smp_start was called
// on, with the boot GDT and without an IDT; it does not return.
void *ap_stack(unsigned cpu);
NORETURN void ap_main(unsigned cpu);
