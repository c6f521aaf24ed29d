// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Measures the rate of the time-stamp counter, and waits by it.
#pragma once

#include "kernel/arch/x86_64/acpi.h"
#include <tessera/types.h>

extern u64 tsc_khz; // TSC ticks per millisecond

// Finds tsc_khz and the rate of the LAPIC timer: from CPUID if it tells, else by measuring against
// the ACPI timer or the PIT, which takes a few microseconds on a quiet machine and 5 ms at most.
// After lapic_init, before lapic_init_cpu, interrupts off.
void tsc_calibrate(const struct acpi_info *info);

// Waits, without letting the CPU do anything else.
void tsc_delay_us(u64 us);
