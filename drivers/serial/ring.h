// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// A ring of bytes: what is put comes out in the same order, what does not fit is not taken. No lock
// of its own. `head` and `tail` count all bytes ever put and taken, modulo 2^32; the size is a
// power of two, so their difference is what is inside.
#pragma once

#include <tessera/types.h>

struct ring {
    u8 *bytes;
    u32 size; // power of two
    u32 head, tail;
};

// Makes a ring of `bytes`, which has `size` bytes (a power of two) and stays the caller's.
void ring_init(struct ring *ring, u8 *bytes, u32 size);

static inline u32 ring_used(const struct ring *ring)
{
    return ring->head - ring->tail;
}
static inline u32 ring_room(const struct ring *ring)
{
    return ring->size - ring_used(ring);
}

// Puts as many of `length` bytes as fit; returns how many.
size_t ring_put(struct ring *ring, const void *bytes, size_t length);
// Takes up to `length` bytes; returns how many.
size_t ring_take(struct ring *ring, void *bytes, size_t length);
