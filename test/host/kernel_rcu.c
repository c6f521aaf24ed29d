// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// rcu_settle on the first of two CPUs: a hypercall that found its account empty fails only when it
// was done again after all was released that was owed. The other CPU releases whenever it likes,
// above all between the hypercall's look and rcu_settle's. And what ends a grace period.
// needs: kernel/rcu.c
#include "kernel/rcu.h"
#include "kernel/arch/x86_64/tsc.h"
#include "kernel/cpu.h"
#include "kernel/exit.h"
#include "test/host/check.h"
#include <asm/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

u64 tsc_khz = 1000000;
static struct cpu cpu_0, cpu_1;
struct cpu *cpus[MAX_CPUS] = {&cpu_0, &cpu_1};
u32 cpu_online_count = 2;

static u64 left; // in the account
static unsigned releases_wanted;

static void other_releases(void)
{
    if (cpu_1.releases == cpu_1.deferrals)
        return;
    cpu_1.releases++;
    left++;
}

void cpu_poke(unsigned cpu)
{
    (void)cpu;
}

bool preemption_point(void)
{
    if (releases_wanted) {
        releases_wanted--;
        other_releases();
    }
    return random_below(4) == 0;
}

// A hypercall that needs `units`; the other CPU releases up to `between` after each look. Returns
// how often it was done, 0 if it failed.
static unsigned hypercall(u64 units, u64 between)
{
    u64 goal = 0;
    for (unsigned times = 1; times < 1000; times++) {
        if (left >= units) {
            left -= units;
            return times;
        }
        for (u64 i = random_below(between + 1); i > 0; i--)
            other_releases();
        releases_wanted = 1;
        if (!rcu_settle(&goal)) {
            CHECK(goal == 0);
            return 0;
        }
    }
    CHECK(!"it ends");
    return 0;
}

static void what_is_owed_is_waited_for(void)
{
    for (unsigned round = 0; round < 10000 && !check_failures; round++) {
        u64 owed = 1 + random_below(5);
        left = random_below(3);
        cpu_1.deferrals += owed;
        CHECK(hypercall(1 + random_below(left + owed), owed) > 0);
        while (cpu_1.releases < cpu_1.deferrals)
            other_releases();
    }
}

static void more_than_was_owed_fails(void)
{
    for (unsigned round = 0; round < 10000 && !check_failures; round++) {
        u64 owed = random_below(5);
        left = random_below(3);
        cpu_1.deferrals += owed;
        CHECK(hypercall(left + owed + 1, owed) == 0);
        CHECK(cpu_1.releases == cpu_1.deferrals);
    }
}

static unsigned released;

static void count_release(struct rcu_head *head)
{
    (void)head;
    released++;
}

// Who was in the kernel when an EC was given up may list it at this CPU before it leaves: the EC
// is taken out of that list before its memory goes, grace period or not.
static void what_is_listed_meanwhile_stays(void)
{
    static struct ec ec;
    released = 0;
    rcu_defer(&ec.object.rcu, count_release);
    rcu_poll(); // the grace period begins
    CHECK(!released);
    cpu_0.remote = &ec;     // by the other CPU,
    cpu_1.kernel_entries++; // which has left and come again
    rcu_poll();
    CHECK(!released && rcu_pending());
    cpu_0.remote = NULL;
    rcu_poll();
    CHECK(released == 1 && !rcu_pending());
}

int main(void)
{
    static struct cpu *self = &cpu_0;
    cpu_1.index = 1;
    syscall(SYS_arch_prctl, ARCH_SET_GS, &self);
    RUN(what_is_owed_is_waited_for);
    RUN(more_than_was_owed_fails);
    RUN(what_is_listed_meanwhile_stays);
    return check_failures != 0;
}
