// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The local interrupt controller of each CPU: interrupts between CPUs and the one-shot timer. Every
// function acts on the CPU that calls it.
#pragma once

#include "kernel/arch/x86_64/acpi.h"
#include <tessera/types.h>

// Disables the 8259s and maps the registers. Once, on the CPU that booted, before anything else
// here.
void lapic_init(const struct acpi_info *info);

// Enables this CPU's controller with all local interrupts masked but the timer, which comes at
// `timer_vector`; spurious ones come at `spurious_vector` (low four bits set, needs no lapic_eoi).
void lapic_init_cpu(u8 timer_vector, u8 spurious_vector);

// Ends the service of the interrupt that was taken last.
void lapic_eoi(void);

// Sends `vector` (16–255) to the CPU with that APIC identifier.
void lapic_ipi(u32 apic_id, u8 vector);

// Sends a non-maskable interrupt to every other CPU; nothing before lapic_init.
void lapic_nmi_all_others(void);

// For smp.c: INIT, and start-up at physical page `page` (0–255).
void lapic_send_init(u32 apic_id);
void lapic_send_startup(u32 apic_id, u8 page);

// Makes the timer interrupt once, `tsc_delta` TSC ticks from now (0 is taken as 1), instead of
// whatever it was armed for. A far deadline may fire early: the handler looks at the clock and arms
// again.
void lapic_timer_arm(u64 tsc_delta);
void lapic_timer_stop(void);

// For tsc.c. The timer either compares with the TSC by itself, or counts at a rate of its own that
// has to be measured: start counting down from the top, read how many ticks have passed, tell the
// ratio.
bool lapic_timer_has_tsc_deadline(void);
void lapic_count_start(void);
u32 lapic_count_passed(void);
void lapic_timer_set_ratio(u64 lapic_ticks, u64 tsc_ticks);
