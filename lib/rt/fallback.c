// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What a program gets that has no environment library, or not all of one (start.h, thread.h).
#include "lib/rt/start.h"
#include "lib/rt/sync.h"
#include "lib/rt/thread.h"

__attribute__((weak)) void rt_main_init(void) {}

__attribute__((weak)) void rt_exit(int code)
{
    (void)code;
    rt_halt();
}

__attribute__((weak)) sel_t rt_exception_base(unsigned cpu)
{
    return SEL_EXC_CPU + EXC_COUNT * cpu;
}

void rt_halt(void)
{
    static struct semaphore never = SEMAPHORE_INIT(0);
    for (;;) {
        // Fails only if there is no kernel memory for it.
        semaphore_down(&never, DEADLINE_NEVER);
        __builtin_ia32_pause();
    }
}
