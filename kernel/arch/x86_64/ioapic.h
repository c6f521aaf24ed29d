// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The I/O interrupt controllers: from global system interrupt (GSI) to a vector on a CPU. A GSI
// that the MADT overrides has the trigger and polarity that it says there, whatever the caller
// asks.
#pragma once

#include "kernel/arch/x86_64/acpi.h"
#include <tessera/types.h>

// Maps every controller in `info` (which stays in use) and masks all its inputs.
void ioapic_init(const struct acpi_info *info);

// Returns one more than the highest GSI; 0 without controllers.
u32 ioapic_gsi_count(void);

// Directs `gsi` to `vector` on the CPU with `apic_id`, masked. Returns true if it is
// level-triggered now: then it has to be masked, or its device silenced, before lapic_eoi. Unknown
// GSIs are ignored here and below.
bool ioapic_route(u32 gsi, u8 vector, u32 apic_id, bool level, bool active_low);
void ioapic_mask(u32 gsi);
void ioapic_unmask(u32 gsi);
