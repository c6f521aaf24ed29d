// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The way out of the kernel, and what is due on it.
#pragma once

#include "kernel/cpu.h"

// Runs whatever the CPU is to run next: does the work that is due, lets blocked threads lie,
// delivers exceptions, idles. Does not return.
NORETURN void kernel_exit(void);
// The same, shorter where the current EC can go on at once.
NORETURN void exit_current(struct cpu *cpu);
// The current EC `from` is at the end of a hypercall, its kept registers saved; exit_yield: it may
// go on, but another SC is current or work is due; exit_block: it is blocked. Both return the EC
// that goes on if that needs back only what `brief` (ec.h) says, and else leave as kernel_exit
// does.
struct ec *exit_yield(struct ec *from);
struct ec *exit_block(struct ec *from);
// Makes the end of the current SC's chain of calls the current EC.
void current_from_sc(struct cpu *cpu);
// Puts lazily switched state of the current EC away, before another becomes current.
void lazy_leave(struct cpu *cpu);
// Restores all user registers and leaves (entry.S).
NORETURN void ec_resume(struct ec *ec);
// Sets the LAPIC timer to the next event of this CPU if it is set to a later one.
void timer_update(struct cpu *cpu);
// In a long operation: takes interrupts that wait. True if the current thread should make way.
bool preemption_point(void);
