// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Offsets that assembly uses, generated from the C structures: compiled to assembly, never linked.
#include "kernel/cpu.h"
#include "kernel/sm.h"
#include <tessera/hypercall.h>

#define OFFSET(name, value) __asm__ volatile("\n.ascii \"->" #name " %c0\"\n" ::"i"(value))

void offsets(void);
void offsets(void)
{
    OFFSET(CPU_CURRENT, offsetof(struct cpu, current));
    OFFSET(CPU_USER_RSP, offsetof(struct cpu, user_rsp));
    OFFSET(CPU_STACK, offsetof(struct cpu, stack_top));
    OFFSET(CPU_TAG, offsetof(struct cpu, tag));
    OFFSET(CPU_LINKS, offsetof(struct cpu, links));
    OFFSET(CPU_LAZY, offsetof(struct cpu, lazy));
    OFFSET(CPU_WORK, offsetof(struct cpu, work));
    OFFSET(WORK_RCU, WORK_RCU);
    OFFSET(CPU_ENTRIES, offsetof(struct cpu, kernel_entries));
    OFFSET(EC_R15, offsetof(struct ec, regs.r15));
    OFFSET(EC_R14, offsetof(struct ec, regs.r14));
    OFFSET(EC_R13, offsetof(struct ec, regs.r13));
    OFFSET(EC_R12, offsetof(struct ec, regs.r12));
    OFFSET(EC_RBP, offsetof(struct ec, regs.rbp));
    OFFSET(EC_RBX, offsetof(struct ec, regs.rbx));
    OFFSET(EC_R11, offsetof(struct ec, regs.r11));
    OFFSET(EC_R10, offsetof(struct ec, regs.r10));
    OFFSET(EC_R9, offsetof(struct ec, regs.r9));
    OFFSET(EC_R8, offsetof(struct ec, regs.r8));
    OFFSET(EC_RAX, offsetof(struct ec, regs.rax));
    OFFSET(EC_RCX, offsetof(struct ec, regs.rcx));
    OFFSET(EC_RDX, offsetof(struct ec, regs.rdx));
    OFFSET(EC_RSI, offsetof(struct ec, regs.rsi));
    OFFSET(EC_RDI, offsetof(struct ec, regs.rdi));
    OFFSET(EC_RIP, offsetof(struct ec, regs.rip));
    OFFSET(EC_RFLAGS, offsetof(struct ec, regs.rflags));
    OFFSET(EC_RSP, offsetof(struct ec, regs.rsp));
    OFFSET(EC_CR3, offsetof(struct ec, cr3));
    OFFSET(EC_CAPS, offsetof(struct ec, caps));
    OFFSET(EC_MESSAGE, offsetof(struct ec, message));
    OFFSET(EC_CALLER, offsetof(struct ec, caller));
    OFFSET(EC_CALLEE, offsetof(struct ec, callee));
    OFFSET(EC_WAIT_TAG, offsetof(struct ec, wait_tag));
    OFFSET(EC_HAZARD, offsetof(struct ec, hazard));
    OFFSET(HAZARD_TRACED, HAZARD_TRACED);
    OFFSET(LAZY_TRACED, LAZY_TRACED);
    OFFSET(TAG_TRACED, TAG_TRACED);
    OFFSET(MAPPING_FAST, offsetof(struct mapping, fast));
    OFFSET(FAST_CALL, FAST_CALL);
    OFFSET(FAST_UP, FAST_UP);
    OFFSET(FAST_DOWN, FAST_DOWN);
    OFFSET(HC_SM_CTRL, HC_sm_ctrl);
    OFFSET(SM_LOCK, offsetof(struct sm, lock));
    OFFSET(SM_HEAD, offsetof(struct sm, head));
    OFFSET(SM_COUNTER, offsetof(struct sm, counter));
    OFFSET(MAPPING_OBJECT, offsetof(struct mapping, object));
    OFFSET(PT_EC, offsetof(struct pt, ec));
    OFFSET(PT_IP, offsetof(struct pt, ip));
    OFFSET(PT_ID, offsetof(struct pt, id));
}
