// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Interrupts as semaphores: one a global system interrupt, made at boot, and which memory is the
// kernel's own.
#pragma once

#include "kernel/object.h"

enum {
    GSI_VECTOR_BASE = 0x30,
    GSI_MAX = 0xb0,
    VECTOR_TIMER = 0xf0,
    VECTOR_POKE = 0xf1,
    VECTOR_SPURIOUS = 0xff
};

struct sm;
struct hip;

void gsi_init(struct hip *hip);
// The kernel's capability for an interrupt's semaphore, or NULL.
struct mapping *gsi_mapping(u64 gsi);
// An interrupt arrived on this CPU.
void gsi_arrived(unsigned vector);
// Hypercall gsi_ctrl on an interrupt's semaphore. *msi: address | data << 32 for MSIs.
u32 gsi_control(struct sm *sm, unsigned operation, unsigned cpu, u64 *msi);
// Whether any frame of the range holds the kernel image or its pool.
bool memory_is_kernels(u64 frame, u64 count);
void memory_mark_kernels(u64 phys, u64 size);
