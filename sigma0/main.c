// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The order in which sigma0 comes up (000_7d6c79716bf8d028.txt): semaphores, CPU 0's echo portal,
// memory through it, the console, the objects of all CPUs, the services, init.
#include "lib/rt/assert.h"
#include "lib/rt/print.h"
#include "lib/rt/start.h"
#include "lib/rt/sync.h"
#include "lib/rt/thread.h"
#include "sigma0/console.h"
#include "sigma0/physical.h"
#include "sigma0/services.h"
#include "sigma0/sigma0.h"

// lib/rt's threads in sigma0 have sigma0's own exception portals.
sel_t rt_exception_base(unsigned cpu)
{
    return cpu_selectors(cpu) + CPU_EXC_BASE;
}

int main(void)
{
    *thread_words() =
        (struct thread_words){.cpu = 0, .ec = SEL_EC, .done = SEL_NONE, .park = SEL_NONE};
    objects_reserve();
    sel_t locks = object_selectors(3);
    for (sel_t sel = locks; sel < locks + 3; sel++) {
        error_t error = object_sm(sel, 0);
        ASSERT(!error);
    }
    cpus_init_first();
    physical_init();
    console_init();
    objects_trace();
    cpus_init_rest();
    error_t error = rt_locks_prepare();
    if (error)
        rt_panic("no semaphores for lib/rt: %s\n", error_name(error));
    struct physical_usage memory = physical_usage();
    print("Tessera on %u CPU%s, %lu MiB free, longest range %lu MiB\n", hip()->cpu_count,
          hip()->cpu_count == 1 ? "" : "s", memory.free_pages >> 8, memory.largest >> 8);
    services_start();
    init_start();
    init_wait();
    rt_halt();
}
