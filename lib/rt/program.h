// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Putting a program into a fresh protection domain, as sigma0 does with init and init with its
// children (001_5c4c3d5892c9ef36.txt, memory map): image, stack, HIP; and the state in which its
// main thread begins. Read-only segments are mapped from where the image lies, which must stay;
// what can be written gets memory of its own. (lib/core/domain_program.h: the same in a domain of
// sigma0's.)
#pragma once

#include "lib/rt/elf.h"
#include <tessera/selector.h>
#include <tessera/utcb.h>

struct program_memory {
    // `bytes` (a page multiple) of fresh zeroed memory, mapped writable; NULL if there is none.
    void *(*alloc)(void *context, size_t bytes);
    void *context;
    // Puts that memory into the program's domain: `from` is ours, `to` an address there. NULL: it
    // is delegated to `pd`.
    error_t (*give)(void *context, const void *from, u64 to, u64 bytes, unsigned rights);
    bool copy_all; // also what could be mapped from where the image lies
};

// The bytes that program_map will ask for.
u64 program_bytes(const struct elf *elf, bool copy_all);
// Maps the program into `pd` (PD_GRANT). EMEM, and the kernel's errors; what was mapped before
// stays.
MUST_CHECK error_t program_map(sel_t pd, const struct elf *elf,
                               const struct program_memory *memory);
// The answer to the main thread's start-up exception. Returns the MTD to reply with.
unsigned program_begin(struct exc_state *state, u64 entry, unsigned cpu);
