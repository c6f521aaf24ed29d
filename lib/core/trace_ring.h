// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Reading a ring of trace records (tessera/trace.h) while the kernel writes it on another CPU.
// Nothing here calls anybody.
#pragma once

#include <tessera/trace.h>

struct trace_reader {
    struct trace_ring *ring;
    u64 position; // the next record to be read
    u64 lost;     // records that were overwritten before they were read
    bool stops;   // the policy says TRACE_STOP: what was read makes room for more
};

// A reader of a ring that was just given to ENABLE, from its first record on.
static inline struct trace_reader trace_reader(struct trace_ring *ring, u32 policy)
{
    return (struct trace_reader){.ring = ring, .stops = policy & TRACE_STOP};
}
// Copies up to `max` records that were not read yet to `out`, the oldest first; returns how many.
// What was overwritten meanwhile is left out and counted in reader->lost. With TRACE_STOP the
// events that found the ring full are counted by the kernel: ring->lost.
unsigned trace_read(struct trace_reader *reader, struct trace_record *out, unsigned max);

// The event's name, "CALL", or "?" if there is no such event; the names of its fields likewise.
const char *trace_event_name(u32 event);
const char *trace_first_name(u32 event);
const char *trace_second_name(u32 event);
