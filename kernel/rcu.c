// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Grace periods (rcu.h). Each CPU has two lists: `deferred`, what came since its last grace period
// began, and `grace`, what waits for the one under way. The period is over when every other CPU is
// idle or has a new kernel_entries.
#include "kernel/rcu.h"
#include "kernel/arch/x86_64/tsc.h"
#include "kernel/arch/x86_64/x86.h"
#include "kernel/cpu.h"
#include "kernel/exit.h"

enum { SETTLE_MS = 50 };

void rcu_defer(struct rcu_head *head, void (*release)(struct rcu_head *head))
{
    struct cpu *cpu = this_cpu();
    head->release = release;
    head->next = cpu->deferred;
    cpu->deferred = head;
    cpu->deferrals++;
    cpu_work(cpu, WORK_RCU);
}

bool rcu_pending(void)
{
    return this_cpu()->deferred || this_cpu()->grace;
}

static void release_all(struct rcu_head *head)
{
    struct cpu *cpu = this_cpu();
    while (head) {
        struct rcu_head *next = head->next;
        head->release(head);
        head = next;
        __atomic_store_n(&cpu->releases, cpu->releases + 1, __ATOMIC_RELEASE);
    }
}

static bool grace_over(struct cpu *cpu)
{
    for (unsigned i = 0; i < cpu_online_count; i++) {
        struct cpu *other = cpus[i];
        if (other != cpu && !__atomic_load_n(&other->idle, __ATOMIC_ACQUIRE) &&
            __atomic_load_n(&other->kernel_entries, __ATOMIC_ACQUIRE) == cpu->grace_snapshot[i])
            return false;
    }
    return true;
}

void rcu_poll(void)
{
    struct cpu *cpu = this_cpu();
    if (cpu->grace && grace_over(cpu)) {
        struct rcu_head *due = cpu->grace;
        cpu->grace = NULL;
        release_all(due);
    }
    if (cpu->grace || !cpu->deferred)
        return;
    if (cpu_online_count == 1) {
        while (cpu->deferred) { // what is released may defer more
            struct rcu_head *due = cpu->deferred;
            cpu->deferred = NULL;
            release_all(due);
        }
        return;
    }
    cpu->grace = cpu->deferred;
    cpu->deferred = NULL;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    for (unsigned i = 0; i < cpu_online_count; i++) {
        cpu->grace_snapshot[i] = __atomic_load_n(&cpus[i]->kernel_entries, __ATOMIC_ACQUIRE);
        if (i != cpu->index && !cpus[i]->idle)
            cpu_poke(i);
    }
}

bool rcu_settle(u64 *until)
{
    struct cpu *cpu = this_cpu();
    u64 released = 0, owed = 0;
    for (unsigned i = 0; i < cpu_online_count; i++) {
        u64 done = __atomic_load_n(&cpus[i]->releases, __ATOMIC_ACQUIRE);
        released += done;
        owed += __atomic_load_n(&cpus[i]->deferrals, __ATOMIC_ACQUIRE) - done;
    }
    if (rdtsc() >= *until + tsc_khz * SETTLE_MS)
        *until = rdtsc() + tsc_khz * SETTLE_MS;
    bool more = false;
    while (owed && !more && rdtsc() < *until) {
        u64 now = 0;
        rcu_poll();
        __atomic_store_n(&cpu->idle, true,
                         __ATOMIC_SEQ_CST); // holds nothing that a grace period protects
        for (unsigned i = 0; i < cpu_online_count; i++) {
            if (i != cpu->index && !cpus[i]->idle)
                cpu_poke(i);
            now += __atomic_load_n(&cpus[i]->releases, __ATOMIC_ACQUIRE);
        }
        more = preemption_point() || now != released;
        __atomic_store_n(&cpu->idle, false, __ATOMIC_SEQ_CST);
    }
    return more;
}

void rcu_work(void)
{
    rcu_poll();
    if (!rcu_pending())
        this_cpu()->work &= ~(u32)WORK_RCU;
}
