// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The loop that every slow way through the kernel ends in (exit.h).
#include "kernel/exit.h"
#include "kernel/arch/x86_64/fpu.h"
#include "kernel/arch/x86_64/lapic.h"
#include "kernel/arch/x86_64/x86.h"
#include "kernel/ipc.h"
#include "kernel/paging.h"
#include "kernel/ports.h"
#include "kernel/print.h"
#include "kernel/rcu.h"
#include "kernel/tlb.h"

enum { DISPATCH_LOOPS_MAX = 1000 };

void current_from_sc(struct cpu *cpu)
{
    struct ec *ec = cpu->sc->ec;
    cpu->links = 0;
    for (; ec->callee; ec = ec->callee)
        cpu->links++;
    cpu->current = ec;
}

void lazy_leave(struct cpu *cpu)
{
    if (cpu->lazy & LAZY_PORTS)
        ports_unload(false);
    if (cpu->lazy & LAZY_FPU)
        fpu_leave(cpu);
    if (cpu->lazy & LAZY_BASES) {
        wrmsr(MSR_FS_BASE, 0);
        wrmsr(MSR_KERNEL_GS_BASE, 0);
        cpu->lazy &= ~(u32)LAZY_BASES;
    }
    cpu->lazy &= ~(u32)LAZY_TRACED;
}

void timer_update(struct cpu *cpu)
{
    u64 next = timeout_next(&cpu->timeouts);
    if (cpu->sc && cpu->quantum_end < next)
        next = cpu->quantum_end;
    if (next < cpu->timer_armed) {
        cpu->timer_armed = next;
        u64 now = rdtsc();
        lapic_timer_arm(next > now ? next - now : 1);
    }
}

static void idle(struct cpu *cpu)
{
    lazy_leave(cpu);
    cpu->current = &cpu->idle_ec;
    space_leave();
    timer_update(cpu);
    while (!(cpu->work & (WORK_SCHEDULE | WORK_REMOTE))) {
        __atomic_store_n(&cpu->idle, true, __ATOMIC_SEQ_CST);
        if (rcu_pending()) {
            sti();
            cpu_pause();
            cli();
        } else {
            sti_hlt();
            cli();
        }
        __atomic_store_n(&cpu->idle, false, __ATOMIC_SEQ_CST);
        tlb_serve();
        ec_remote_drain(cpu);
        rcu_poll();
    }
}

static void choose(struct cpu *cpu)
{
    struct ec *before = cpu->current;
    while (!sc_choose(cpu))
        idle(cpu);
    current_from_sc(cpu);
    if (cpu->current != before)
        lazy_leave(cpu);
    timer_update(cpu);
}

static NORETURN void enter_user(struct cpu *cpu, struct ec *ec)
{
    if ((read_cr3() ^ ec->cr3) & ~CR3_NOFLUSH)
        write_cr3(ec->cr3);
    if ((ec->fs_base | ec->gs_base) && !(cpu->lazy & LAZY_BASES)) {
        wrmsr(MSR_FS_BASE, ec->fs_base);
        wrmsr(MSR_KERNEL_GS_BASE, ec->gs_base);
        cpu->lazy |= LAZY_BASES;
    }
    cpu->dispatch_loops = 0;
    ec->brief = false;
    ec_resume(ec);
}

void exit_current(struct cpu *cpu)
{
    struct ec *ec = cpu->current;
    if (LIKELY(!cpu->work && cpu->sc && ec->state == EC_RUN &&
               !__atomic_load_n(&ec->hazard, __ATOMIC_ACQUIRE)))
        enter_user(cpu, ec);
    kernel_exit();
}

void kernel_exit(void)
{
    struct cpu *cpu = this_cpu();
    for (;;) {
        if (cpu->work & WORK_REMOTE)
            ec_remote_drain(cpu);
        if (cpu->work & WORK_RCU)
            rcu_work();
        cpu->work &= ~(u32)WORK_LEAVE;
        if ((cpu->work & WORK_SCHEDULE) || !cpu->sc)
            choose(cpu);
        struct ec *ec = cpu->current;
        u32 hazard = __atomic_load_n(&ec->hazard, __ATOMIC_ACQUIRE);
        if (hazard & HAZARD_DEAD && ec->state != EC_DEAD)
            ec_kill(ec);
        else if (ec->state == EC_DEAD || ec->state == EC_BLOCKED || ec->state == EC_IDLE ||
                 (hazard & HAZARD_PAUSE))
            sc_park(ec);
        else if (ec->state == EC_EVENT)
            ipc_event(ec);
        else if (hazard & HAZARD_RECALL) {
            __atomic_fetch_and(&ec->hazard, ~(u32)HAZARD_RECALL, __ATOMIC_RELAXED);
            ec->state = EC_EVENT;
            ec->event = EXC_RECALL;
        } else {
            if (UNLIKELY(hazard & HAZARD_TRACED))
                trace_enter(ec);
            enter_user(cpu, ec);
        }
        if (++cpu->dispatch_loops > DISPATCH_LOOPS_MAX) {
            // Threads that help each other in a circle inside the kernel would never leave it.
            cpu->dispatch_loops = 0;
            ec_kill(cpu->current);
        }
    }
}

// From `from` to what the current SC is to run.
static inline struct ec *brief_exit(struct cpu *cpu, struct ec *from)
{
    current_from_sc(cpu);
    struct ec *ec = cpu->current;
    if (UNLIKELY(cpu->lazy))
        lazy_leave(cpu);
    if (UNLIKELY(cpu->quantum_end < cpu->timer_armed))
        timer_update(cpu);
    if (UNLIKELY(!ec->brief || ec->state != EC_RUN || (ec->fs_base | ec->gs_base) ||
                 __atomic_load_n(&ec->hazard, __ATOMIC_ACQUIRE)))
        kernel_exit();
    if (ec->cr3 != from->cr3)
        write_cr3(ec->cr3);
    ec->brief = false;
    return ec;
}

struct ec *exit_yield(struct ec *from)
{
    struct cpu *cpu = this_cpu();
    from->brief = true;
    from->regs.rax = SUCCESS;
    from->regs.rdx = 0;
    if (cpu->work)
        kernel_exit();
    timer_update(cpu); // who made way may have to wait for its next period
    return brief_exit(cpu, from);
}

struct ec *exit_block(struct ec *from)
{
    struct cpu *cpu = this_cpu();
    from->brief = true;
    if (UNLIKELY(cpu->work || __atomic_load_n(&from->hazard, __ATOMIC_ACQUIRE) ||
                 !sc_block(cpu, from)))
        kernel_exit();
    return brief_exit(cpu, from);
}

bool preemption_point(void)
{
    struct cpu *cpu = this_cpu();
    cpu->preemptible = true;
    sti();
    __asm__ volatile("nop");
    cli();
    cpu->preemptible = false;
    tlb_serve();
    return cpu->work & WORK_SCHEDULE;
}
