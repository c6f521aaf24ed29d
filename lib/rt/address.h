// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Virtual addresses from HEAP_BASE to HEAP_END, in power-of-two ranges that are aligned to their
// size, so that a range fits one receive window. Only names addresses; what is mapped there is the
// caller's affair. Thread-safe.
#pragma once

#include <tessera/types.h>

// A range of at least `bytes`, page aligned and aligned to its size rounded up to a power of two; 0
// if there is none left.
word_t address_alloc(size_t bytes);
// Gives back what address_alloc(bytes) returned. Nothing may be mapped there any more.
void address_free(word_t address, size_t bytes);
// log2 of the number of pages that address_alloc sets aside for `bytes`: the order of a window of
// it.
unsigned address_order(size_t bytes);
