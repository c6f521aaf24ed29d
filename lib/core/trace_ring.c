// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Reading a ring of trace records (trace_ring.h). A record is copied first; then `written` says
// whether its place was still its own all the while.
#include "lib/core/trace_ring.h"

static u64 written(const struct trace_ring *ring)
{
    return __atomic_load_n(&ring->written, __ATOMIC_ACQUIRE);
}

// The first record whose place nobody writes while there are `count`.
static u64 first_safe(const struct trace_reader *reader, u64 count)
{
    u64 kept = reader->stops ? reader->ring->capacity : reader->ring->capacity - 1;
    return count > kept ? count - kept : 0;
}

static void skip_to(struct trace_reader *reader, u64 position)
{
    if (position > reader->position) {
        reader->lost += position - reader->position;
        reader->position = position;
    }
}

unsigned trace_read(struct trace_reader *reader, struct trace_record *out, unsigned max)
{
    struct trace_ring *ring = reader->ring;
    u64 end = written(ring), begin;
    unsigned copied = 0, stale = 0;
    skip_to(reader, first_safe(reader, end));
    begin = reader->position;
    while (copied < max && begin + copied < end) {
        out[copied] = ring->record[(begin + copied) & (ring->capacity - 1)];
        copied++;
    }
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    skip_to(reader, first_safe(reader, written(ring)));
    if (reader->position - begin < copied)
        stale = (unsigned)(reader->position - begin);
    else
        stale = copied;
    for (unsigned i = stale; i < copied; i++)
        out[i - stale] = out[i];
    reader->position += copied - stale;
    if (reader->stops)
        __atomic_store_n(&ring->read, reader->position, __ATOMIC_RELEASE);
    return copied - stale;
}

#define NAME_OF(field)                                                                             \
    switch (event) {                                                                               \
        TESSERA_TRACE_EVENTS(field)                                                                \
    default: return "?";                                                                           \
    }

const char *trace_event_name(u32 event)
{
#define X(name, number, first, second, meaning)                                                    \
    case number: return #name;
    NAME_OF(X)
#undef X
}

const char *trace_first_name(u32 event)
{
#define X(name, number, first, second, meaning)                                                    \
    case number: return #first;
    NAME_OF(X)
#undef X
}

const char *trace_second_name(u32 event)
{
#define X(name, number, first, second, meaning)                                                    \
    case number: return #second;
    NAME_OF(X)
#undef X
}
