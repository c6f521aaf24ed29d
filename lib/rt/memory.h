// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Where lib/rt's memory comes from. The environment (lib/service's client of "pd", or sigma0) sets
// the two pointers before main; until then, and where they are NULL, there is only the static heap.
#pragma once

#include <tessera/error.h>

// Backs `bytes` (page multiple) at `address` (page aligned, not backed yet, from address_alloc)
// with zeroed, writable memory. Must not use the heap. Errors: EMEM, ERESOURCE.
extern error_t (*rt_memory_grow)(void *address, size_t bytes);
// Gives back a range exactly as it was grown. May be NULL: then nothing is ever given back.
extern void (*rt_memory_release)(void *address, size_t bytes);

// Fresh zeroed pages at fresh addresses, aligned to the size rounded up to a power of two; NULL if
// there are none.
void *memory_alloc(size_t bytes);
void memory_free(void *address, size_t bytes);
