// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What each CPU has of its own, reached through the GS base. Only its own CPU writes it, but for
// the fields marked shared.
#pragma once

#include "kernel/ec.h"
#include "kernel/sc.h"
#include "kernel/spinlock.h"

enum { LAZY_FPU = 1, LAZY_PORTS = 2, LAZY_BASES = 4, LAZY_TRACED = 8 }; // cpu->lazy
enum {                                                                  // cpu->work
    WORK_SCHEDULE = 1,
    WORK_RCU = 2,
    WORK_REMOTE = 4,
    WORK_LEAVE = 8, // the current EC blocks or repeats its hypercall: no short way out
};

struct cpu {
    struct cpu *self;
    struct ec *current;
    u64 user_rsp;
    void *stack_top;
    u32 tag;   // index + 1
    i32 links; // calls between the current SC's own EC and the current EC
    u32 lazy;  // state of the current EC that a switch must put away: the fast path stays away
    u32 work;  // what is due before user code goes on
    // Above: entry.S.
    u32 index, apic_id;
    bool online;
    bool idle;          // shared
    u64 kernel_entries; // shared: changes with every slow entry, for RCU
    struct sc *sc;      // current; NULL when idle
    u64 sc_start;       // TSC when it was chosen
    u64 quantum_end;
    u64 timer_armed; // deadline for which the LAPIC timer is set
    struct ready_queue ready;
    struct timeout_queue timeouts;
    struct ec *fpu_owner; // whose state the FPU holds
    struct pd *port_pd;   // whose bitmap the TSS holds, and which version of it
    u64 port_version;
    struct ec *remote;      // shared: ECs with remote_ops
    struct spinlock inside; // shared: mapping_lock.c
    u32 flush_request;      // shared: how many wait for our TLB flush
    u32 flush_begun;        // how many the one under way is for
    struct rcu_head *deferred, *grace;
    u64 deferrals, releases; // shared: how many were deferred, how many of them released
    u64 grace_snapshot[MAX_CPUS];
    u32 dispatch_loops;
    bool preemptible; // inside preemption_point
    struct segments *segments;
    struct ec idle_ec; // stands in for `current` while nothing runs
};

extern struct cpu *cpus[MAX_CPUS];
extern u32 cpu_online_count;

static inline struct cpu *this_cpu(void)
{
    struct cpu *cpu;
    __asm__("mov %%gs:0, %0" : "=r"(cpu));
    return cpu;
}
// Asks this CPU to look again before user code goes on.
static inline void cpu_work(struct cpu *cpu, u32 work)
{
    cpu->work |= work;
}
// Interrupts another CPU so that it enters the kernel.
void cpu_poke(unsigned cpu);
