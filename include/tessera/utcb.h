// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The user thread control block: 4 KiB shared by a thread and the kernel. Untyped words grow from
// words[0] up (0–3 travel in registers, their places here are free for the user), typed items from
// the page's end down: item i is utcb_item(u, i). An exception message is laid over words[] (struct
// exc_state).
#pragma once

#include <tessera/crd.h>

enum { UTCB_WORDS = 496, UTCB_REGISTER_WORDS = 4, UTCB_ITEMS_MAX = 64 };

struct utcb {
    crd_t window;    // where delegated items may land; kind CRD_NULL: nowhere
    crd_t window2;   // a second window, so that one reply may carry two kinds
    crd_t translate; // own selectors that may be named back to us; kind CRD_NULL: none
    word_t tls;      // the thread's own word, untouched by the kernel
    word_t user[12]; // for lib/rt, untouched by the kernel
    word_t words[UTCB_WORDS];
};
_Static_assert(sizeof(struct utcb) == 4096, "a UTCB is one page");

typedef u64 head_t;
static inline head_t head(unsigned untyped, unsigned typed)
{
    return untyped | (u64)typed << 16;
}
static inline unsigned head_untyped(head_t h)
{
    return h & 0xffff;
}
static inline unsigned head_typed(head_t h)
{
    return h >> 16 & 0xffff;
}
static inline struct typed_item *utcb_item(struct utcb *u, unsigned index)
{
    return (struct typed_item *)(u + 1) - 1 - index;
}

// Exception vectors above the processor's own (SDM 3A, 6.3.1 uses 0–21).
enum {
    EXC_TRAP = 1,
    EXC_BREAKPOINT = 3,
    EXC_INVALID_OPCODE = 6,
    EXC_PAGE_FAULT = 14,
    EXC_STARTUP = 0x1e,
    EXC_RECALL = 0x1f,
    EXC_COUNT = 0x20,
    // EC_READ_STATE, of a vector: none is under way; its handler has been called and not replied.
    EXC_NONE = 0xff,
    EXC_HANDLED = 0x100
};

// Message transfer descriptor: which parts of the state an exception message carries, in each way.
// A reply's head is the MTD of what is to be written back (untyped count is ignored).
enum mtd {
    MTD_GPR_ACDB = 1 << 0, // rax, rcx, rdx, rbx
    MTD_GPR_BSD = 1 << 1,  // rbp, rsi, rdi
    MTD_GPR_R8 = 1 << 2,   // r8–r15
    MTD_RSP = 1 << 3,
    MTD_RIP = 1 << 4,
    MTD_RFLAGS = 1 << 5,
    MTD_QUAL = 1 << 6, // error code and fault address, never written back
    MTD_FSGS = 1 << 7, // FS and GS base
    MTD_ALL = 0xff,
    // With EC_READ_STATE and EC_WRITE_STATE alone: FPU and SSE, at words[FPU_STATE_AT].
    MTD_FPU = 1 << 8,
};

struct exc_state {
    word_t mtd, vector;
    word_t rax, rcx, rdx, rbx, rbp, rsi, rdi, rsp;
    word_t r8, r9, r10, r11, r12, r13, r14, r15;
    word_t rip, rflags, error_code, fault_address, fs_base, gs_base;
    word_t tag; // what EC_SET_TAG has set, always sent
};
// An exception call enters its handler with rdi = identity word, rsi = head(EXC_WORDS, 0),
// rdx = vector, r10 = MTD sent, r8 = fault address (page faults) and r9 = error code; what the MTD
// names stands in exc_state at words[EXC_STATE_AT]. The reply is hypercall reply with rdx = MTD to
// write back; typed items in it delegate, so that a pager maps while it replies.
enum { EXC_STATE_AT = 4, EXC_WORDS = EXC_STATE_AT + sizeof(struct exc_state) / 8 };
// The registers of FPU and SSE as FXSAVE lays them out in 64-bit mode (SDM 1, 10.5.1).
struct fpu_state {
    word_t words[64];
};
enum { FPU_STATE_AT = EXC_WORDS };
static inline struct exc_state *utcb_exc(struct utcb *u)
{
    return (struct exc_state *)&u->words[EXC_STATE_AT];
}
static inline struct fpu_state *utcb_fpu(struct utcb *u)
{
    return (struct fpu_state *)&u->words[FPU_STATE_AT];
}
