// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The heap. Small objects come from pages of one size, larger ones from runs of pages, huge ones
// directly from rt_memory_grow. The first pages are static; thread-safe; all sizes are aligned to
// 16 bytes.
#pragma once

#include <tessera/types.h>

// `bytes` of memory with undefined contents, or NULL. heap_alloc(0) is a valid object.
void *heap_alloc(size_t bytes) __attribute__((malloc, alloc_size(1)));
// Likewise, zeroed.
void *heap_zalloc(size_t bytes) __attribute__((malloc, alloc_size(1)));
// Moves an object to a new size; NULL leaves it as it was. heap_resize(NULL, n) allocates.
void *heap_resize(void *object, size_t bytes);
// Gives an object back; NULL is ignored.
void heap_free(void *object);

// What the heap has taken from the environment and the part of it that objects take, in bytes.
struct heap_usage {
    size_t taken, used;
};
struct heap_usage heap_usage(void);
