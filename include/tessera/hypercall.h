// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The hypercalls: one table (number, name, arguments), from which the dispatch, the user stubs, the
// trace names, the argument fuzzer and the manual come.
//
// Registers at `syscall`: rax = number | flags << 8; arguments in rdi, rsi, rdx, r10, r8, r9;
// result in rax, second result in rdx. rcx and r11 are lost, rbx, rbp, r12–r15, rsp are kept, all
// others come back as zero.
//
// call:  rdi = portal selector, rsi = message head, rdx r10 r8 r9 = words 0–3.
//        Returns rax = error; on SUCCESS rsi = head of the reply, rdx r10 r8 r9 = its words 0–3.
// reply: rsi = message head, rdx r10 r8 r9 = words 0–3, rsp = stack for the next call. Does not
// return:
//        the next call enters at the portal's ip with rdi = the portal's identity word, rsi = head,
//        rdx r10 r8 r9 = words 0–3, other registers zero.
// The head is untyped words (0–UTCB_WORDS) | typed items << 16. Words from 4 on and typed items
// travel in the UTCB (utcb.h).
#pragma once

#include <tessera/types.h>

// X(number, name, argument names in order)
#define TESSERA_HYPERCALLS(X)                                                                      \
    X(0, call, "pt, head, w0, w1, w2, w3")                                                         \
    X(1, reply, "-, head, w0, w1, w2, w3")                                                         \
    X(2, create_pd, "sel, pd, kmem_bytes, caps")                                                   \
    X(3, create_ec, "sel, utcb, sp, cpu_flags, exc_base, pd")                                      \
    X(4, create_sc, "sel, ec, pd, priority_quantum, budget_period")                                \
    X(5, create_pt, "sel, ec, ip, mtd, pd")                                                        \
    X(6, create_sm, "sel, initial, pd")                                                            \
    X(7, revoke, "pd, crd, flags")                                                                 \
    X(8, lookup, "crd")                                                                            \
    X(9, delegate, "pd, items")                                                                    \
    X(10, pd_ctrl, "pd, operation, other_pd, amount")                                              \
    X(11, ec_ctrl, "ec, operation, value, bytes, policy, filter")                                  \
    X(12, sc_ctrl, "sc, operation, value")                                                         \
    X(13, pt_ctrl, "pt, identity")                                                                 \
    X(14, sm_ctrl, "sm, operation, deadline_tsc, identity")                                        \
    X(15, gsi_ctrl, "sm, operation, cpu, msi_out")

enum hypercall {
#define X(number, name, arguments) HC_##name = (number),
    TESSERA_HYPERCALLS(X)
#undef X
        HC_COUNT = 16
};

// create_ec's fourth argument: CPU number | flags. A local EC runs only for its portals; a global
// one gets an SC, and begins with a call through its start-up portal (exc_base + EXC_STARTUP).
enum { EC_GLOBAL = 1 << 16 };

// create_sc: priority 1–255 (255 highest) | quantum in µs << 16 (0 = 10,000);
// budget in µs | period in µs << 32 (0 = unlimited).
enum { PRIORITY_MAX = 255, QUANTUM_DEFAULT_US = 10000 };

// revoke: without the flag only what was derived from the range goes, with it the range itself too.
// The creator's own capability is the object's life: revoking it destroys the object.
enum { REVOKE_SELF = 1 << 0 };

// delegate: how many items of the UTCB | how many of them to leave out, from the first on, << 32.
enum { DELEGATE_DONE_SHIFT = 32 };
#define DELEGATE_COUNT 0xfffffffful

enum pd_op {
    PD_GIVE_KMEM = 0, // move `amount` bytes of kernel memory from other_pd's account to pd's
    PD_GIVE_CAPS = 1, // move `amount` capability slots likewise
    // By who has PD_CREATE: rax SUCCESS, rdx = used | limit << 32; in units of 64 bytes, in slots.
    PD_READ_KMEM = 2,
    PD_READ_CAPS = 3,
    PD_GIVE = 4, // move both at once or nothing: `amount` is slots | units of 64 bytes << 32
    // Of the root PD: nothing is traced into the ring at `amount` any more, on any CPU; EPARAM:
    // nothing was.
    PD_TRACE_STOP = 5,
    // Of another domain: rdx = how much was left at least, whoever took it, since this was last
    // asked | what a request that was refused lacked at most << 32; in units of 64 bytes, in slots.
    PD_PEAK_KMEM = 6,
    PD_PEAK_CAPS = 7,
};
// What a capability slot brings along when it is traded, in bytes: the kernel's books of the object
// and of the capability that stands in it.
enum { CAP_KMEM = 256 };
enum ec_op {
    EC_RECALL = 0,
    EC_PAUSE = 1,
    EC_RESUME = 2,
    EC_READ_CPU = 3, // rdx = its CPU; needs EC_SC only
    EC_SET_TAG = 4,  // value stands in the messages of its exceptions (exc_state.tag)
    // The state of an EC that is paused and has come to rest (EBUSY before), in the caller's UTCB
    // as in an exception message; value = MTD. While it waits in a hypercall, rax and rdx are still
    // to come, and registers that hypercalls do not keep are undefined. MTD_FPU: zeroes if it never
    // used FPU or SSE, and writing is EFEATURE; bits of MXCSR that the CPU lacks are cleared.
    // `vector` is that of an exception that waits for its handler, with EXC_HANDLED of one that is
    // being handled, or EXC_NONE.
    EC_READ_STATE = 5,
    EC_WRITE_STATE = 6,
    EC_READ_PD = 7, // rdx = where the caller made its domain, ECAP if somebody else did; EC_SC
    // Tracing (trace.h), by the root PD alone: value = address of the ring in its space, then
    // bytes, policy, filter; rdx = the ring's capacity. EC_TRACE_POLICY: value = policy, then
    // filter.
    EC_TRACE = 8,
    EC_TRACE_POLICY = 9,
    EC_MARK = 10, // of the caller itself, no capability; value and the fourth argument become a
                  // record; rdx = 1 if the caller is traced
};
enum sc_op {
    SC_READ_TIME = 0,  // rdx = TSC ticks consumed
    SC_SET_BUDGET = 1, // needs SC_BUDGET; budget | period << 32 in µs, as create_sc takes it
    // Needs SC_BUDGET; 1 to PRIORITY_MAX. Of this CPU's it holds at once, of another's as soon as
    // that has heard of it.
    SC_SET_PRIORITY = 2,
};
enum sm_op {
    SM_OP_UP = 0,        // counter + 1, or wake the first waiter
    SM_OP_DOWN = 1,      // wait until the counter is > 0, then take one
    SM_OP_DOWN_ZERO = 2, // wait likewise, then take all; rdx = how many
    // Signals: a semaphore that is bound is a signal context of a receiver, which is a semaphore
    // too. An up counts at the context; waiting at the receiver takes all of one context's.
    SM_OP_WAIT = 3, // at the receiver; rdx = identity | count << 32 (count 0: a mere up of it)
    SM_OP_BIND = 4, // of the context to the receiver (third argument), with identity (fourth, 32
                    // bits), for good; needs SM_DOWN of both
};
#define SIGNAL_COUNT_MAX 0xffffffffu
// An interrupt's semaphore (delegated from the kernel with ITEM_KERNEL, selector = GSI). It is
// masked but for the time from GSI_UNMASK until it arrives, edge or level. Edges of a line that
// arrive while it is masked may be lost: look at the device once more after GSI_UNMASK. GSIs above
// the I/O APICs are message-signalled: of those one is kept.
enum gsi_op {
    GSI_BIND = 0, // route to `cpu`, masked; message-signalled ones: rdx = address | data << 32
    GSI_MASK = 1,
    GSI_UNMASK = 2,     // it may arrive, once
    GSI_BIND_LEVEL = 3, // like GSI_BIND, level-triggered active-low (unless the firmware says else)
    GSI_RESET = 4,      // mask; whoever waits at the semaphore gets EABORT, its counter is 0, and
                        // if it was bound as a signal context it is none any more
};

#define DEADLINE_NEVER 0ul
