// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Event tracing (002_8bbc1eeec7f51661.txt, Event tracing; doc/trace.md), by way of sessions of
// "trace": which threads there are, what they have used, and what they do, which the kernel writes
// into rings in memory of the tracer's own. These functions use the calling thread's UTCB and its
// windows.
//
// Who has such a session sees what other components do: no untrusted component may have a route.
#pragma once

#include "lib/core/trace_ring.h"
#include "lib/service/client.h"

enum { TRACE_NAME_MAX = 32 };

struct trace_subject {
    u64 id; // never another thread's
    unsigned cpu;
    unsigned priority; // 0: a handler, which runs on its callers' time
    enum thread_state state;
    enum trace_status status;
    u64 ticks;                     // of the TSC, that it has run; of a handler 0
    char label[SERVICE_LABEL_MAX]; // of its component, "init -> shell"
    char name[TRACE_NAME_MAX];     // its own; "main" of the component's first
};

// Makes a handle on a session; nothing is asked of anybody until the first call. `threads`: how
// many are to be traced at a time; their price is donated. End it with service_close, which ends
// all its tracing. ERESOURCE.
MUST_CHECK error_t trace_init(struct service_client *trace, unsigned threads);

// Calls `visit` for each thread of the session's sub-tree, the oldest first, while it returns true.
// Threads that come or go meanwhile may be left out. Errors: those of service_call (EPERM: no
// route); EPROTO if the answer makes no sense.
MUST_CHECK error_t trace_visit(struct service_client *trace,
                               bool (*visit)(const struct trace_subject *subject, void *context),
                               void *context);
// One thread. ENOTFOUND: it is gone, or not in the sub-tree.
MUST_CHECK error_t trace_info(struct service_client *trace, u64 id, struct trace_subject *out);

// What is wanted of a thread: `word` are events (TRACE_ALL, or an or of TRACE_MASK(CALL) …) and
// flags of enum trace_policy; `filter` is what the flags TRACE_ONLY_… are about, else 0.
struct trace_wish {
    u32 word;
    u64 filter;
};

// Has the kernel write a thread's events into `bytes` of a dataspace that the caller holds, from
// `offset` (a multiple of TRACE_RING_ALIGN) on, where a ring is made with as many records as fit, a
// power of two. The memory stays the caller's; freeing it ends the tracing, as do the end of the
// thread and of the session. Errors: ENOTFOUND there is no such thread or dataspace; EINUSE the
// thread is traced already; EPARAM offset, bytes (at least TRACE_RING_MIN) or the wish; EFEATURE
// the dataspace is not RAM; ERESOURCE more threads than trace_init was told.
MUST_CHECK error_t trace_enable(struct service_client *trace, u64 id, sel_t dataspace, u64 offset,
                                u64 bytes, struct trace_wish wish);
// Another wish for a thread that the session traces, while it runs; a paused one stays paused.
// ENOTFOUND, EPARAM.
MUST_CHECK error_t trace_policy(struct service_client *trace, u64 id, struct trace_wish wish);
// No events until trace_resume. ENOTFOUND: the session does not trace that thread (any more).
MUST_CHECK error_t trace_pause(struct service_client *trace, u64 id);
MUST_CHECK error_t trace_resume(struct service_client *trace, u64 id);
// Ends it: once this returns nothing more is written, and the ring's records stay as they are.
// ENOTFOUND.
MUST_CHECK error_t trace_disable(struct service_client *trace, u64 id);

// A ring in a dataspace of the program's own "pd" session, mapped, with a reader.
struct trace_buffer {
    sel_t ds;
    size_t bytes;
    struct trace_reader reader;
};
// Room for at least `records`. ERESOURCE, EMEM.
MUST_CHECK error_t trace_buffer_create(struct trace_buffer *buffer, size_t records);
// Gives it back; what was traced into it ends first.
void trace_buffer_destroy(struct trace_buffer *buffer);
// trace_enable into all of it, with its reader at the beginning.
MUST_CHECK error_t trace_enable_buffer(struct service_client *trace, u64 id,
                                       struct trace_buffer *buffer, struct trace_wish wish);
