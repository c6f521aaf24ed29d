// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The kernel objects that sigma0 creates at boot: where they stand in its capability space
// (000_7d6c79716bf8d028.txt, the list), and create_* with a record of each for the boot option
// trace=objects.
#pragma once

#include "lib/rt/hypercall.h"

enum {
    SEL_BOOT = 0x200,     // semaphores, echo portals and all that follows, in order of creation
    SEL_BOOT_END = 0x400, // above, lib/rt's allocator hands out
    SEL_CHILD = 0x10000,  // init's selectors 0x000–0x3ff, as sigma0 holds them
    SEL_CHILD_SC = 0x10022,
    SEL_CHILD_COUNT = 0x400,
};

// Keeps init's selectors out of lib/rt's hands. First of all.
void objects_reserve(void);

// `count` contiguous selectors for objects of the boot; never given back.
sel_t object_selectors(unsigned count);

// The create hypercalls with a record; arguments as in lib/rt/hypercall.h. They return the kernel's
// error.
MUST_CHECK error_t object_pd(sel_t sel, u64 kmem_bytes, u64 caps, sel_t pd);
MUST_CHECK error_t object_ec(sel_t sel, word_t utcb, word_t sp, unsigned cpu, unsigned flags,
                             sel_t exc_base, sel_t pd);
MUST_CHECK error_t object_sc(sel_t sel, sel_t ec, unsigned priority, u32 quantum_us, u32 budget_us,
                             u32 period_us);
MUST_CHECK error_t object_pt(sel_t sel, sel_t ec, void (*entry)(void), word_t mtd, word_t identity);
// Logs a portal that lib/service has created.
void object_pt_note(sel_t sel, sel_t ec, void (*entry)(void));
MUST_CHECK error_t object_sm(sel_t sel, word_t initial);

// From here on records are printed (if trace=objects), those made so far first. Once, when there is
// a console.
void objects_trace(void);
