// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Bytes in order (ring.h).
#include "drivers/serial/ring.h"

void ring_init(struct ring *ring, u8 *bytes, u32 size)
{
    *ring = (struct ring){.bytes = bytes, .size = size};
}

size_t ring_put(struct ring *ring, const void *bytes, size_t length)
{
    const u8 *from = bytes;
    size_t room = ring_room(ring), count = length < room ? length : room;
    for (size_t i = 0; i < count; i++)
        ring->bytes[ring->head++ & (ring->size - 1)] = from[i];
    return count;
}

size_t ring_take(struct ring *ring, void *bytes, size_t length)
{
    u8 *to = bytes;
    size_t used = ring_used(ring), count = length < used ? length : used;
    for (size_t i = 0; i < count; i++)
        to[i] = ring->bytes[ring->tail++ & (ring->size - 1)];
    return count;
}
