// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Exceptions and interrupts after entry.S saved what they hit.
#include "kernel/arch/x86_64/fpu.h"
#include "kernel/arch/x86_64/lapic.h"
#include "kernel/arch/x86_64/x86.h"
#include "kernel/exit.h"
#include "kernel/gsi.h"
#include "kernel/ipc.h"
#include "kernel/panic.h"
#include "kernel/ports.h"
#include "kernel/tlb.h"

enum {
    VEC_NMI = 2,
    VEC_NM = 7,
    VEC_DOUBLE_FAULT = 8,
    VEC_GP = 13,
    VEC_PF = 14,
    VEC_MACHINE_CHECK = 18,
    EXCEPTIONS = 32
};

struct kernel_frame {
    u64 r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rdi, rsi, rdx, rcx, rax;
    u64 vector, error, rip, cs, rflags, rsp, ss;
};

NORETURN void interrupt_from_user(u64 vector, u64 error);
void interrupt_from_kernel(struct kernel_frame *frame);

static void device_interrupt(struct cpu *cpu, unsigned vector)
{
    if (vector == VECTOR_SPURIOUS)
        return;
    if (vector == VECTOR_TIMER) {
        cpu->timer_armed = ~0ul;
        cpu_work(cpu, WORK_SCHEDULE);
    } else if (vector == VECTOR_POKE) {
        tlb_serve();
        cpu_work(cpu, WORK_REMOTE);
    } else {
        // Who idles holds nothing that a grace period protects, but for this.
        bool idle = cpu->idle;
        __atomic_store_n(&cpu->idle, false, __ATOMIC_SEQ_CST);
        gsi_arrived(vector);
        __atomic_store_n(&cpu->idle, idle, __ATOMIC_SEQ_CST);
    }
    lapic_eoi();
}

void interrupt_from_user(u64 vector, u64 error)
{
    struct cpu *cpu = this_cpu();
    struct ec *ec = cpu->current;
    if (vector >= EXCEPTIONS) {
        device_interrupt(cpu, (unsigned)vector);
        kernel_exit();
    }
    if (vector == VEC_NMI) {
        panic_nmi();
        kernel_exit();
    }
    if (vector == VEC_MACHINE_CHECK || vector == VEC_DOUBLE_FAULT)
        panic("machine check or double fault %lu in user mode", vector);
    if ((vector == VEC_NM && fpu_take(cpu)) || (vector == VEC_GP && error == 0 && ports_load()))
        kernel_exit();
    if (vector == VEC_PF)
        ec->fault_address = read_cr2();
    ec->error_code = error;
    ec->event = (u8)vector;
    ec->state = EC_EVENT;
    u32 hazard = __atomic_load_n(&ec->hazard, __ATOMIC_ACQUIRE);
    if (UNLIKELY(hazard & HAZARD_TRACED))
        trace_write(ec, TRACE_FAULT, vector | error << 8,
                    vector == VEC_PF ? ec->fault_address : ec->regs.rip);
    if (LIKELY(!cpu->work && !hazard))
        ipc_event(ec);
    exit_current(cpu);
}

static void kernel_fault(const struct kernel_frame *f)
{
    struct exc_state state = {.mtd = MTD_ALL,
                              .vector = f->vector,
                              .rax = f->rax,
                              .rcx = f->rcx,
                              .rdx = f->rdx,
                              .rbx = f->rbx,
                              .rbp = f->rbp,
                              .rsi = f->rsi,
                              .rdi = f->rdi,
                              .rsp = f->rsp,
                              .r8 = f->r8,
                              .r9 = f->r9,
                              .r10 = f->r10,
                              .r11 = f->r11,
                              .r12 = f->r12,
                              .r13 = f->r13,
                              .r14 = f->r14,
                              .r15 = f->r15,
                              .rip = f->rip,
                              .rflags = f->rflags,
                              .error_code = f->error,
                              .fault_address = read_cr2()};
    PANIC_REGS(&state, this_cpu()->current, "exception %lu in the kernel", f->vector);
}

void interrupt_from_kernel(struct kernel_frame *frame)
{
    if (frame->vector == VEC_NMI) {
        panic_nmi();
        return;
    }
    if (frame->vector < EXCEPTIONS)
        kernel_fault(frame);
    device_interrupt(this_cpu(), (unsigned)frame->vector);
}
