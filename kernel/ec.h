// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Execution contexts: threads. Every field that links ECs (caller, callee) and the state are
// touched only on the EC's own CPU; other CPUs ask by ec_remote. What others may change is atomic:
// hazards, remote_ops.
//
//   RUN      user registers are in `regs`; may run when its turn comes. With a callee it waits for
//   that one's
//            reply; with a wait_tag it is a local EC that waits for a call
//   IDLE     a local EC that would wait for a call, but a hazard forbids it
//   EVENT    must deliver exception `event` first (start-up, a fault, recall), then as RUN
//   BLOCKED  waits in a semaphore's queue
//   DEAD     will never run again
#pragma once

#include "kernel/object.h"
#include "kernel/timeout.h"
#include "kernel/trace.h"
#include <tessera/error.h>
#include <tessera/utcb.h>

enum ec_state { EC_RUN, EC_IDLE, EC_EVENT, EC_BLOCKED, EC_DEAD };

// Flags that a thread may set for itself (SDM 1, 3.4.3): status, TF, DF, RF, AC, ID.
#define RFLAGS_USER 0x250dd5ul

enum hazard {
    HAZARD_EXCEPTION = 1, // waits for a reply to an exception: the reply is not a syscall's
    HAZARD_RECALL = 2,
    HAZARD_PAUSE = 4,
    HAZARD_DEAD = 8,
    HAZARD_SPLICED = 16, // the handler it called has died; it waits for what that had called, and
                         // gets EABORT then
    HAZARD_RETIRED = 32, // its SC was destroyed during its call, and ends with that
    HAZARD_TRACED = 64,  // trace.h
    HAZARD_HALTED = 128, // with HAZARD_PAUSE: its CPU knows, it does not run before it is resumed
};

enum ec_remote_op {
    REMOTE_KILL = 1,
    REMOTE_WAKE = 2,  // left its semaphore's queue with wake_result
    REMOTE_CHECK = 4, // hazards changed
    REMOTE_SC = 8,    // its SC is new
    REMOTE_SC_STOP = 16,
    REMOTE_FREE = 32, // its root capability is gone
    REMOTE_SC_PRIORITY = 64,
};

struct regs {
    u64 r15, r14, r13, r12, rbp, rbx; // kept across hypercalls
    u64 r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
    u64 rip, rflags, rsp;
};

struct cpu;
struct sc;
struct sm;
struct pt;

struct ec {
    struct regs regs; // at offset 0: entry.S
    u64 cr3;
    struct mapping ***caps; // of its PD; of a traced one: no capabilities
    u64 *message;           // utcb->words[4] as the kernel sees it
    struct ec *caller, *callee;
    u32 wait_tag; // CPU tag while a call may enter (with TAG_TRACED, trace.h), else 0
    u32 hazard;
    // Above: what the fast path touches.
    struct object object;
    u8 state, event;
    bool brief; // RUN or BLOCKED, at the end of a hypercall: rbx, rbp, r12 to r15, rax and rdx are
                // all it needs back
    bool global;
    u16 cpu;
    u32 exc_base;
    struct pd *pd;
    struct utcb *utcb;
    u64 utcb_user; // address in the PD
    u64 error_code, fault_address;
    u64 fs_base, gs_base;
    struct sc *sc; // its own, or NULL; a handler's: inherited from a dead caller until it replies
    struct sc *parked; // SCs that would run it, while it cannot
    void *fpu;         // saved state, NULL until first used
    struct sm *wait_sm;
    bool wait_all; // DOWN_ZERO
    u64 wake_error, wake_value;
    struct ec *wait_next, **wait_link; // in wait_sm's queue, under its lock
    struct timeout timeout;
    u64 settle_goal; // rcu_settle
    u64 tag;         // EC_SET_TAG
    u32 remote_ops;
    struct ec *remote_next;
    struct ec *pd_next, **pd_link;
    struct pt *portals; // under mapping_lock
    struct trace trace;
};

static inline bool ec_traced(const struct ec *ec)
{
    return __atomic_load_n(&ec->hazard, __ATOMIC_RELAXED) & HAZARD_TRACED;
}

extern struct ec dead_ec; // what a portal of a destroyed EC points to

// A local or global EC in `pd` with its UTCB page at `utcb` (user address, page aligned). Errors:
// EMEM, EBUSY (UTCB address occupied), EPARAM. Ends a call without an answer: EABORT, or for an
// exception that it is raised again.
void ec_abort_caller(struct ec *caller);
struct ec *ec_create(struct pd *pd, u64 utcb, u64 sp, unsigned cpu, bool global, u32 exc_base,
                     u32 *error);
// Asks the EC's CPU to apply `ops` (enum ec_remote_op); if it is this one, before user code goes
// on.
void ec_remote(struct ec *ec, u32 ops);
// Handles what other CPUs asked of this one.
void ec_remote_drain(struct cpu *cpu);
// The object's root capability is gone: kill it on its CPU, then free it.
void ec_destroy(struct ec *ec);
// Ends the waiting of a BLOCKED EC on this CPU.
void ec_wake(struct ec *ec);
// Stops an EC on its own CPU for good; partners get EABORT.
void ec_kill(struct ec *ec);
