// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// A child of the compose scenario whose block limits its use of the processor: faults unless all
// its threads are held to it, whatever route and arguments it has.
#include "lib/rt/start.h"
#include "lib/rt/thread.h"
#include "lib/service/env.h"

enum { BUDGET_US = 5000, PERIOD_US = 50000, CPUS = 1 }; // compose.ucl

static void leave(void *argument)
{
    (void)argument;
}

static void must(bool condition)
{
    if (!condition)
        __builtin_trap();
}

int main(void)
{
    static struct thread t;
    struct cpu_limits limits;
    must(!env_cpu_limits(&limits));
    must(limits.budget_us == BUDGET_US && limits.period_us == PERIOD_US && limits.cpus == CPUS);
    must(limits.threads == 1); // the main thread, which init made
    for (unsigned cpu = 1; cpu < hip()->cpu_count; cpu++)
        must(thread_create(&t, cpu, 1, "elsewhere", leave, NULL) == ECPU);
    must(!thread_create(&t, 0, 1, "second", leave, NULL));
    must(!env_cpu_limits(&limits) && limits.threads == 2);
    thread_join(&t);
    // Arguments of its own make no difference.
    struct service_client other;
    must(!service_init(&other, "cpu", "", "255", (struct service_quota){0, 0}));
    struct msg m;
    service_begin(&other, &m, CPU_INFO);
    must(!service_call(&other, &m));
    (void)msg_get_word(&m);
    must(msg_get_word(&m) == CPUS && msg_get_word(&m) == BUDGET_US);
    return 0;
}
