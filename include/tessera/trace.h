// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Trace events (002_8bbc1eeec7f51661.txt, Event tracing; doc/trace.md): what the kernel writes into
// a traced thread's ring. One table, from which come the enum, the policy's masks, the names in the
// shell and in the Common Trace Format, and the manual's table.
//
// A ring is memory of the tracer's: one header, then `capacity` records, a power of two. The kernel
// writes all but `read`; `written` counts up for ever, so record n stands at n % capacity, and what
// is older than `written - capacity` is lost. A reader copies a record and then looks whether
// `written` has overtaken it (lib/core/trace_ring.h): the place of record `written - capacity` may
// be just being written anew. Where the policy says TRACE_STOP nothing is overwritten before the
// reader has raised `read` beyond it.
#pragma once

#include <tessera/types.h>

// X(name, number, first field, second field, meaning)
#define TESSERA_TRACE_EVENTS(X)                                                                    \
    X(CALL, 1, portal, operation, "calls a portal, with word 0")                                   \
    X(RETURN, 2, result, error, "is answered: word 0 and the kernel's error")                      \
    X(DISPATCH, 3, identity, operation, "a handler begins a request: the portal's word, word 0")   \
    X(REPLY, 4, result, head, "a handler answers: word 0 and the head")                            \
    X(SIGNAL, 5, semaphore, value, "ups a semaphore or submits a signal")                          \
    X(WAIT, 6, semaphore, operation, "waits at a semaphore or for signals")                        \
    X(WAKE, 7, error, value, "goes on after that: result and value")                               \
    X(FAULT, 8, vector, address, "raises an exception: vector | error code << 8; address or ip")   \
    X(MARK, 9, first, second, "the program's own mark")

enum trace_event {
#define X(name, number, first, second, meaning) TRACE_##name = (number),
    TESSERA_TRACE_EVENTS(X)
#undef X
        TRACE_EVENTS = 10
};

struct trace_record {
    u64 tsc;
    u32 event; // enum trace_event
    u32 cpu;
    u64 first, second;
};
_Static_assert(sizeof(struct trace_record) == 32, "two records a cache line");

struct trace_ring {
    u64 written; // records so far
    u64 capacity;
    u64 read; // the reader's, with TRACE_STOP: records before this one are done with
    u64 lost; // with TRACE_STOP: events that found the ring full
    u64 unused[4];
    struct trace_record record[];
};
_Static_assert(sizeof(struct trace_ring) == 64, "the header is a cache line");

// What a tracer wants of one thread: a word, and a filter that goes with some of its flags. The
// filter concerns the events that begin something (CALL, DISPATCH, SIGNAL, WAIT); RETURN, REPLY and
// WAKE go with theirs, FAULT and MARK are not concerned.
#define TRACE_MASK(name) (1u << TRACE_##name)
enum trace_policy {
    TRACE_ALL = (1 << TRACE_EVENTS) - 2, // events: bit n is enum trace_event n
    TRACE_STOP = 1 << 16,                // a full ring takes nothing before `read` is raised
    TRACE_ONLY_FIRST = 1 << 17,  // only where the first field (portal, identity, semaphore) is the
                                 // filter
    TRACE_ONLY_SECOND = 1 << 18, // likewise, the second field (operation)
    TRACE_POLICY_VALID = TRACE_ALL | TRACE_STOP | TRACE_ONLY_FIRST | TRACE_ONLY_SECOND,
};
// A ring begins at a multiple of this, and has room for at least one record.
enum { TRACE_RING_ALIGN = 64, TRACE_RING_MIN = sizeof(struct trace_ring) + 32 };
