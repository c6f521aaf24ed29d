// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// From _start to main. The parent's start-up portal sets rip, rsp = STACK_TOP, rdi = HIP_ADDR and
// rsi = the CPU that the main thread runs on; start.S passes the last two to rt_start.
//
// What the environment provides has defaults in fallback.c: weak, each in use only if nobody else
// defines it. user.ld names them, so that a library that comes before lib/rt on the linker's line
// wins.
#pragma once

#include <tessera/hip.h>
#include <tessera/selector.h>

#ifndef RT_HOST_TEST
static inline const struct hip *hip(void)
{
    return (const struct hip *)HIP_ADDR;
}
#else
const struct hip *hip(void);
#endif

int main(void);

// Calls rt_main_init, main, rt_exit.
NORETURN void rt_start(word_t hip_address, word_t cpu);

// Sets up the environment before main (sessions for memory, CPU and log). Empty here; lib/service
// has it.
void rt_main_init(void);
// Tells the parent that the program has ended. Waits for ever here; lib/service has it. Must not
// return.
NORETURN void rt_exit(int code);
// Waits for ever.
NORETURN void rt_halt(void);
