// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Event tracing (tessera/trace.h; doc/trace.md): the kernel writes what a thread does into a ring
// in memory of the root PD, which lends it to the tracer.
//
// What is not traced pays nothing: the fast paths in entry.S have no test for it. A traced EC has
// three marks, each of which makes a test fail that is there anyway:
//   caps          shows no capabilities, so calls and semaphores leave the fast path
//   hazard        has HAZARD_TRACED, so replies to it do, and every way out of the kernel
//   wait_tag      has TAG_TRACED while it waits for a call, so calls to it leave the fast path;
//   cpu->lazy     has LAZY_TRACED while it is the current EC, so its replies do
// The marks may be late or stale; what decides is trace.ring. trace_call and trace_reply then write
// the records and let the fast path go on.
//
// An EC's trace is used on its own CPU alone, but for start and stop, under trace_lock. Stopping
// takes the ring away and then waits until that CPU has served an interrupt: records are written
// with interrupts off, in one go, so nothing is under way any more.
#pragma once

#include <tessera/hip.h>
#include <tessera/trace.h>

struct ec;
struct pt;

enum { TAG_TRACED = 1 << 16 }; // beside a CPU's tag in wait_tag

struct trace {
    struct trace_ring *ring; // in the direct map; NULL: not traced
    u64 written, mask;       // capacity - 1
    u64 filter;
    u32 policy;
    u16 chosen;  // bit n: the last event n that began something passed the filter
    bool waits;  // blocked: a WAKE is due when it goes on
    bool over;   // under trace_lock: the EC ends, no tracing any more
    u64 retry;   // where a call or reply stands that will be executed again, already recorded; or 0
    u64 address; // the ring's, in the root PD
    struct ec *next, **link; // of all that are traced
};

// Begins to trace `ec` into `bytes` at `address` of the root PD's space: writable RAM, physically
// contiguous, aligned. Policy and filter as in tessera/trace.h. EPARAM; EBUSY it is traced; ECAP it
// is ending.
MUST_CHECK u32 trace_start(struct ec *ec, u64 address, u64 bytes, u64 policy, u64 filter,
                           u64 *capacity);
// Changes the policy of one that is traced. EPARAM: the policy, or it is not traced.
MUST_CHECK u32 trace_set(struct ec *ec, u64 policy, u64 filter);
// Ends all tracing into the ring at `address`, on all CPUs. EPARAM: there was none.
MUST_CHECK u32 trace_stop(u64 address);
// The EC, dead and on its own CPU, goes.
void trace_end(struct ec *ec);
void trace_init(const struct hip *hip);

// Writes one record, if `ec` is traced and its policy wants it. On its own CPU. The second one is
// for calls and replies, which may be executed again: the record is written only once.
__attribute__((noinline, cold)) void trace_write(struct ec *ec, enum trace_event event, u64 first,
                                                 u64 second);
__attribute__((noinline, cold)) void trace_once(struct ec *ec, enum trace_event event, u64 first,
                                                u64 second);
// A traced EC goes on in user mode.
__attribute__((noinline, cold)) void trace_enter(struct ec *ec);
// For entry.S, with the EC's registers saved: a call or reply that one of the marks took off the
// fast path. Returns the portal, or the caller, if nothing else stands in the way; NULL: the slow
// path.
struct pt *trace_call(struct ec *ec);
struct ec *trace_reply(struct ec *ec);
