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

// A CPU that computes releases what it deferred when it enters the kernel: those who wait for it
// see to that, not so often that it gets nothing else done.
enum { POKES_PER_MS = 2 };
// In place of a goal: what was owed is released, and the hypercall has seen that.
#define LAST_TRY (~0ul)

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

static void release_all(struct cpu *cpu, struct rcu_head *head)
{
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
    // Who has left may have listed an EC here at last (ec_remote), which stays until it is heard.
    return !__atomic_load_n(&cpu->remote, __ATOMIC_ACQUIRE);
}

// Where there is one CPU, who polls is the proof that nobody holds anything.
static inline void release_alone(struct cpu *cpu)
{
    struct rcu_head *due;
    while ((due = cpu->deferred)) { // what is released may defer more
        cpu->deferred = NULL;
        release_all(cpu, due);
    }
}

void rcu_poll(void)
{
    struct cpu *cpu = this_cpu();
    if (cpu_online_count == 1)
        release_alone(cpu);
    if (cpu->grace && grace_over(cpu)) {
        struct rcu_head *due = cpu->grace;
        cpu->grace = NULL;
        release_all(cpu, due);
    }
    if (cpu->grace || !cpu->deferred)
        return;
    cpu->grace = cpu->deferred;
    cpu->deferred = NULL;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    for (unsigned i = 0; i < cpu_online_count; i++) {
        cpu->grace_snapshot[i] = __atomic_load_n(&cpus[i]->kernel_entries, __ATOMIC_ACQUIRE);
        if (i != cpu->index && !cpus[i]->idle)
            cpu_poke(i);
    }
}

// How many were ever deferred and how many of them are released, on all CPUs.
static void tally(u64 *deferred, u64 *released)
{
    *deferred = *released = 0;
    for (unsigned i = 0; i < cpu_online_count; i++) { // released first: never more than deferred
        *released += __atomic_load_n(&cpus[i]->releases, __ATOMIC_ACQUIRE);
        *deferred += __atomic_load_n(&cpus[i]->deferrals, __ATOMIC_ACQUIRE);
    }
}

bool rcu_settle(u64 *goal)
{
    struct cpu *cpu = this_cpu();
    u64 deferred, before, released, next_poke = 0;
    tally(&deferred, &before);
    if (!*goal && deferred != before)
        *goal = deferred;
    if (before >= *goal) { // perhaps since the hypercall looked: once more
        *goal = LAST_TRY;
        return true;
    }
    if (*goal == LAST_TRY) {
        *goal = 0;
        return false;
    }
    do {
        rcu_poll();
        // Holds nothing that a grace period protects.
        __atomic_store_n(&cpu->idle, true, __ATOMIC_SEQ_CST);
        if (rdtsc() >= next_poke) {
            next_poke = rdtsc() + tsc_khz / POKES_PER_MS;
            for (unsigned i = 0; i < cpu_online_count; i++) {
                if (i != cpu->index && !cpus[i]->idle)
                    cpu_poke(i);
            }
        }
        bool due = preemption_point() || __atomic_load_n(&cpu->remote, __ATOMIC_RELAXED);
        __atomic_store_n(&cpu->idle, false, __ATOMIC_SEQ_CST);
        if (due)
            break;
        tally(&deferred, &released);
    } while (released == before);
    return true;
}

static __attribute__((noinline)) void work_beside_others(struct cpu *cpu)
{
    rcu_poll();
    if (!cpu->deferred && !cpu->grace)
        cpu->work &= ~(u32)WORK_RCU;
}

void rcu_work(void)
{
    struct cpu *cpu = this_cpu();
    if (cpu_online_count > 1) {
        work_beside_others(cpu);
        return;
    }
    release_alone(cpu);
    cpu->work &= ~(u32)WORK_RCU;
}
