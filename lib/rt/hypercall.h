// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Hypercall stubs: one always-inlined function a row of TESSERA_HYPERCALLS (tessera/hypercall.h has
// the registers, the operations and the errors). All return the kernel's error_t.
//
// hc_call's variants keep the words in registers, so that a short call costs the user a handful of
// instructions. hc_call0 and hc_reply0 leave the word registers as they are: the partner may see
// what stood in them. Use them where that is known to be harmless (benchmarks, notifications within
// a program), else hc_call with zeros.
//
// A handler's stack: every thread block (thread.h) has its stack aligned to STACK_SIZE, so hc_reply
// finds the stack's top from rsp itself, and a handler is entered each time as if by a call on an
// empty stack.
#pragma once

#include <tessera/crd.h>
#include <tessera/error.h>
#include <tessera/hypercall.h>
#include <tessera/selector.h>
#include <tessera/utcb.h>

#define HC_INLINE static inline __attribute__((always_inline))

#ifndef RT_HOST_TEST

// The one `syscall` of all rows but call and reply. *second receives the second result.
HC_INLINE error_t hc_raw(enum hypercall number, word_t a0, word_t a1, word_t a2, word_t a3,
                         word_t a4, word_t a5, word_t *second)
{
    word_t result = number;
    register word_t r10 __asm__("r10") = a3;
    register word_t r8 __asm__("r8") = a4;
    register word_t r9 __asm__("r9") = a5;
    __asm__ volatile("syscall"
                     : "+a"(result), "+D"(a0), "+S"(a1), "+d"(a2), "+r"(r10), "+r"(r8), "+r"(r9)
                     :
                     : "rcx", "r11", "memory");
    *second = a2;
    return (error_t)result;
}

// Calls through portal `pt` with up to four words in and out. `*message` is the head of what is
// sent, then of what came back; `w` the words 0–3, likewise (what comes back is undefined unless
// SUCCESS).
HC_INLINE MUST_CHECK error_t hc_call(sel_t pt, head_t *message, word_t w[4])
{
    word_t result = HC_call, portal = pt, h = *message, w0 = w[0];
    register word_t w1 __asm__("r10") = w[1];
    register word_t w2 __asm__("r8") = w[2];
    register word_t w3 __asm__("r9") = w[3];
    __asm__ volatile("syscall"
                     : "+a"(result), "+D"(portal), "+S"(h), "+d"(w0), "+r"(w1), "+r"(w2), "+r"(w3)
                     :
                     : "rcx", "r11", "memory");
    *message = h;
    w[0] = w0;
    w[1] = w1;
    w[2] = w2;
    w[3] = w3;
    return (error_t)result;
}

// A call without words in or out; see the note on registers above.
HC_INLINE MUST_CHECK error_t hc_call0(sel_t pt)
{
    word_t result = HC_call, portal = pt, h = 0;
    __asm__ volatile("syscall"
                     : "+a"(result), "+D"(portal), "+S"(h)
                     :
                     : "rcx", "rdx", "r8", "r9", "r10", "r11", "memory");
    return (error_t)result;
}

// Replies and waits for the next call, on an empty stack. The caller's frame is gone: nothing after
// it runs.
HC_INLINE NORETURN void hc_reply(head_t message, word_t w0, word_t w1, word_t w2, word_t w3)
{
    register word_t r10 __asm__("r10") = w1;
    register word_t r8 __asm__("r8") = w2;
    register word_t r9 __asm__("r9") = w3;
    __asm__ volatile("orq $0xfff8, %%rsp\n\tmovl $1, %%eax\n\tsyscall"
                     :
                     : "S"(message), "d"(w0), "r"(r10), "r"(r8), "r"(r9)
                     : "memory");
    __builtin_unreachable();
}

// A reply of no words; see the note on registers above.
HC_INLINE NORETURN void hc_reply0(void)
{
    __asm__ volatile("xorl %%esi, %%esi\n\torq $0xfff8, %%rsp\n\tmovl $1, %%eax\n\tsyscall" ::
                         : "memory");
    __builtin_unreachable();
}

#else // host tests play the kernel

error_t hc_raw(enum hypercall number, word_t a0, word_t a1, word_t a2, word_t a3, word_t a4,
               word_t a5, word_t *second);
error_t hc_call(sel_t pt, head_t *message, word_t w[4]) MUST_CHECK;
NORETURN void hc_reply(head_t message, word_t w0, word_t w1, word_t w2, word_t w3);

#endif

_Static_assert(HC_call == 0 && HC_reply == 1 && STACK_SIZE == 0x10000,
               "hc_reply has them in its text");

// One row with the second result dropped.
HC_INLINE error_t hc_plain(enum hypercall number, word_t a0, word_t a1, word_t a2, word_t a3,
                           word_t a4, word_t a5)
{
    word_t second;
    return hc_raw(number, a0, a1, a2, a3, a4, a5, &second);
}

// Creates a protection domain at `sel`, charged to `pd`, with `kmem_bytes` and `caps` moved from
// pd's account.
HC_INLINE MUST_CHECK error_t hc_create_pd(sel_t sel, sel_t pd, u64 kmem_bytes, u64 caps)
{
    return hc_plain(HC_create_pd, sel, pd, kmem_bytes, caps, 0, 0);
}

// Creates a thread in `pd` with its UTCB page at `utcb`. `flags` is 0 or EC_GLOBAL.
HC_INLINE MUST_CHECK error_t hc_create_ec(sel_t sel, word_t utcb, word_t sp, unsigned cpu,
                                          unsigned flags, sel_t exc_base, sel_t pd)
{
    return hc_plain(HC_create_ec, sel, utcb, sp, cpu | flags, exc_base, pd);
}

// Gives `ec` a scheduling context; only who holds PD_SC on `pd` may. Quantum, budget and period in
// µs.
HC_INLINE MUST_CHECK error_t hc_create_sc(sel_t sel, sel_t ec, sel_t pd, unsigned priority,
                                          u32 quantum_us, u32 budget_us, u32 period_us)
{
    return hc_plain(HC_create_sc, sel, ec, pd, priority | (word_t)quantum_us << 16,
                    budget_us | (word_t)period_us << 32, 0);
}

// Creates a portal into `ec` at instruction `ip`; `mtd` matters for exception portals only.
HC_INLINE MUST_CHECK error_t hc_create_pt(sel_t sel, sel_t ec, word_t ip, word_t mtd, sel_t pd)
{
    return hc_plain(HC_create_pt, sel, ec, ip, mtd, pd, 0);
}

HC_INLINE MUST_CHECK error_t hc_create_sm(sel_t sel, word_t initial, sel_t pd)
{
    return hc_plain(HC_create_sm, sel, initial, pd, 0, 0, 0);
}

// Takes back what was derived from the range `c` of `pd`'s spaces; with REVOKE_SELF the range
// itself too.
HC_INLINE error_t hc_revoke(sel_t pd, crd_t c, word_t flags)
{
    return hc_plain(HC_revoke, pd, c, flags, 0, 0, 0);
}

// Drops one own capability and all that was derived from it; destroys the object if we created it.
HC_INLINE error_t hc_drop(sel_t sel)
{
    return hc_revoke(SEL_PD, crd(CRD_OBJ, sel, 0, RIGHT_ALL), REVOKE_SELF);
}

// Reads what stands at a place of one's own spaces: *found is null if nothing does.
HC_INLINE error_t hc_lookup(crd_t c, crd_t *found)
{
    word_t second;
    error_t error = hc_raw(HC_lookup, c, 0, 0, 0, 0, 0, &second);
    *found = error == SUCCESS ? second : 0;
    return error;
}

// Delegates the first `items` typed items of one's UTCB to `pd` (PD_GRANT), each at its hotspot.
HC_INLINE MUST_CHECK error_t hc_delegate(sel_t pd, unsigned items)
{
    return hc_plain(HC_delegate, pd, items, 0, 0, 0, 0);
}

// `operation` is PD_GIVE_KMEM or PD_GIVE_CAPS: moves `amount` from other_pd's account to pd's.
HC_INLINE MUST_CHECK error_t hc_pd_give(sel_t pd, enum pd_op operation, sel_t other_pd, u64 amount)
{
    return hc_plain(HC_pd_ctrl, pd, operation, other_pd, amount, 0, 0);
}

// Moves `slots` capability slots, and CAP_KMEM bytes of kernel memory with each, from other_pd's
// account to pd's; both or, with EMEM, nothing. ECAP: one of them is gone.
HC_INLINE MUST_CHECK error_t hc_pd_trade(sel_t pd, sel_t other_pd, u64 slots)
{
    if (slots >> 24)
        return EMEM; // more than there are
    return hc_plain(HC_pd_ctrl, pd, PD_GIVE, other_pd, slots | slots * (CAP_KMEM / 64) << 32, 0, 0);
}

// `operation` is PD_READ_KMEM or PD_READ_CAPS; results in bytes for the first.
HC_INLINE MUST_CHECK error_t hc_pd_read(sel_t pd, enum pd_op operation, u64 *used, u64 *limit)
{
    word_t second;
    error_t error = hc_raw(HC_pd_ctrl, pd, operation, 0, 0, 0, 0, &second);
    unsigned unit = operation == PD_READ_KMEM ? 64 : 1;
    *used = (second & 0xffffffff) * unit;
    *limit = (second >> 32) * unit;
    return error;
}

// `operation` is PD_PEAK_KMEM or PD_PEAK_CAPS, of another domain: what it had left at least since
// this was last asked, and what a refused request of it lacked at most (0: none was refused), in
// bytes for the first. EPARAM of one's own.
HC_INLINE MUST_CHECK error_t hc_pd_peak(sel_t pd, enum pd_op operation, u64 *left, u64 *lacked)
{
    word_t second;
    error_t error = hc_raw(HC_pd_ctrl, pd, operation, 0, 0, 0, 0, &second);
    unsigned unit = operation == PD_PEAK_KMEM ? 64 : 1;
    *left = (second & 0xffffffff) * unit;
    *lacked = (second >> 32) * unit;
    return error;
}

HC_INLINE error_t hc_ec_ctrl(sel_t ec, enum ec_op operation)
{
    return hc_plain(HC_ec_ctrl, ec, operation, 0, 0, 0, 0);
}

// The CPU of an EC on which the caller holds EC_SC.
HC_INLINE MUST_CHECK error_t hc_ec_cpu(sel_t ec, u64 *cpu)
{
    return hc_raw(HC_ec_ctrl, ec, EC_READ_CPU, 0, 0, 0, 0, cpu);
}

// The selector at which the caller made the domain that an EC is in, on which the caller holds
// EC_SC. ECAP: no such EC, or somebody else made that domain.
HC_INLINE MUST_CHECK error_t hc_ec_pd(sel_t ec, u64 *pd)
{
    return hc_raw(HC_ec_ctrl, ec, EC_READ_PD, 0, 0, 0, 0, pd);
}

// What the messages of an EC's exceptions carry from now on (exc_state.tag).
HC_INLINE MUST_CHECK error_t hc_ec_tag(sel_t ec, word_t tag)
{
    return hc_plain(HC_ec_ctrl, ec, EC_SET_TAG, tag, 0, 0, 0);
}

// The state of a paused EC, from or to utcb_exc(utcb()): what `mtd` names. Reading also tells the
// vector of an exception that waits for its handler (| EXC_HANDLED: is being handled), or EXC_NONE.
// EBUSY: it has not come to rest yet; try again.
HC_INLINE MUST_CHECK error_t hc_ec_state(sel_t ec, bool write, unsigned mtd)
{
    return hc_plain(HC_ec_ctrl, ec, write ? EC_WRITE_STATE : EC_READ_STATE, mtd, 0, 0, 0);
}

// Tracing, for the root PD (tessera/trace.h): a thread's events go into `bytes` at `address` of the
// caller's own memory; *capacity is how many records fit. EPARAM; EBUSY it is traced; ECAP.
HC_INLINE MUST_CHECK error_t hc_ec_trace(sel_t ec, word_t address, u64 bytes, word_t policy,
                                         word_t filter, u64 *capacity)
{
    return hc_raw(HC_ec_ctrl, ec, EC_TRACE, address, bytes, policy, filter, capacity);
}

// Another policy for one that is traced. EPARAM, ECAP.
HC_INLINE MUST_CHECK error_t hc_ec_trace_policy(sel_t ec, word_t policy, word_t filter)
{
    return hc_plain(HC_ec_ctrl, ec, EC_TRACE_POLICY, policy, filter, 0, 0);
}

// Nothing is written to the ring at `address` any more once this returns. EPARAM: nothing was.
HC_INLINE error_t hc_trace_stop(word_t address)
{
    return hc_plain(HC_pd_ctrl, SEL_PD, PD_TRACE_STOP, 0, address, 0, 0);
}

// A program's own mark in the trace of the calling thread (TRACE_MARK, doc/trace.md); next to
// nothing while nobody traces it. True if somebody does.
HC_INLINE bool trace_mark(word_t first, word_t second)
{
    word_t traced;
    (void)hc_raw(HC_ec_ctrl, 0, EC_MARK, first, second, 0, 0, &traced);
    return traced;
}

// Reads the TSC ticks that a scheduling context has consumed.
HC_INLINE MUST_CHECK error_t hc_sc_time(sel_t sc, u64 *ticks)
{
    return hc_raw(HC_sc_ctrl, sc, SC_READ_TIME, 0, 0, 0, 0, ticks);
}

// Sets what a scheduling context may use, `budget_us` of each `period_us`; both 0: no limit. Needs
// SC_BUDGET. EPARAM: the budget is longer than the period.
HC_INLINE MUST_CHECK error_t hc_sc_budget(sel_t sc, u32 budget_us, u32 period_us)
{
    return hc_plain(HC_sc_ctrl, sc, SC_SET_BUDGET, budget_us | (word_t)period_us << 32, 0, 0, 0);
}

// Another priority, 1 to PRIORITY_MAX: at once if it is of this CPU, else soon. Needs SC_BUDGET.
// EPARAM: there is no such priority.
HC_INLINE MUST_CHECK error_t hc_sc_priority(sel_t sc, unsigned priority)
{
    return hc_plain(HC_sc_ctrl, sc, SC_SET_PRIORITY, priority, 0, 0, 0);
}

HC_INLINE MUST_CHECK error_t hc_pt_ctrl(sel_t pt, word_t identity)
{
    return hc_plain(HC_pt_ctrl, pt, identity, 0, 0, 0, 0);
}

HC_INLINE error_t hc_sm_up(sel_t sm)
{
    return hc_plain(HC_sm_ctrl, sm, SM_OP_UP, 0, 0, 0, 0);
}

// Waits until the semaphore's counter is above zero and takes one; ETIMEOUT when the TSC passes
// `deadline` (DEADLINE_NEVER: wait for ever).
HC_INLINE MUST_CHECK error_t hc_sm_down(sel_t sm, u64 deadline)
{
    return hc_plain(HC_sm_ctrl, sm, SM_OP_DOWN, deadline, 0, 0, 0);
}

// Likewise, but takes all; *taken is how many.
HC_INLINE MUST_CHECK error_t hc_sm_down_zero(sel_t sm, u64 deadline, u64 *taken)
{
    return hc_raw(HC_sm_ctrl, sm, SM_OP_DOWN_ZERO, deadline, 0, 0, 0, taken);
}

// Makes a semaphore a signal context of a receiver, for good. EBUSY: it is one, or somebody waits
// at it; EPARAM: the receiver is a context.
HC_INLINE MUST_CHECK error_t hc_sm_bind(sel_t sm, sel_t receiver, u32 identity)
{
    return hc_plain(HC_sm_ctrl, sm, SM_OP_BIND, receiver, identity, 0, 0);
}

// Waits for a signal; *value is identity | count << 32 (count 0: the receiver itself was upped).
HC_INLINE MUST_CHECK error_t hc_sm_wait(sel_t receiver, u64 deadline, u64 *value)
{
    return hc_raw(HC_sm_ctrl, receiver, SM_OP_WAIT, deadline, 0, 0, 0, value);
}

// `operation` of enum gsi_op; *msi receives address | data << 32 when an MSI was bound.
HC_INLINE MUST_CHECK error_t hc_gsi_ctrl(sel_t sm, enum gsi_op operation, unsigned cpu, u64 *msi)
{
    return hc_raw(HC_gsi_ctrl, sm, operation, cpu, 0, 0, 0, msi);
}
