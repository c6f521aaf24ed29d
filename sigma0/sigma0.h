// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// sigma0, the root component: what its files share. Each service has a file of its own; they meet
// only here.
//
// Locks, in order: the parent role's own (lib/service), a service's, memory (physical.c), echo
// (echo.c), log. A holder of one may take those to its right.
#pragma once

#include "lib/rt/hypercall.h"
#include "lib/rt/thread.h"
#include "sigma0/objects.h"

// The semaphores of the boot list's beginning: kernel halves of locks that may be contended before
// lib/rt could make any, and the one that tells the main thread that init has to go.
enum { SEL_MEMORY_LOCK = 0x200, SEL_LOG_LOCK = 0x201, SEL_STOP = 0x202 };

// What stands from the first of a CPU's selectors on, as in 000_7d6c79716bf8d028.txt: 0x203–0x229,
// 0x22a–0x250, …
enum cpu_selector {
    CPU_EC_ECHO = 0x00, // also sigma0's own exceptions
    CPU_PT_ECHO = 0x01,
    CPU_EXC_BASE = 0x02,  // 31 exception portals, start-up the last
    CPU_EC_FAULTS = 0x22, // exceptions of init
    CPU_EC_PARENT = 0x24, // requests of init, through the portals at SEL_PARENT + CPU
    CPU_SM_ECHO = 0x26,   // lock of the echo portal
    CPU_SELECTORS = 0x27,
};

// The first of a CPU's selectors.
sel_t cpu_selectors(unsigned cpu);

// cpus.c: the echo portal of CPU 0, without which there is no memory; then the rest of it and the
// other CPUs.
void cpus_init_first(void);
void cpus_init_rest(void);
// A local EC with a stack of `stack_bytes` at `ec` on `cpu`, its exceptions going to sigma0's own
// portals there.
MUST_CHECK error_t cpu_thread(unsigned cpu, sel_t ec, size_t stack_bytes, struct thread *thread);
// cpus.c: the threads at CPU_EC_PARENT, one a CPU.
const struct thread *cpu_parent_threads(void);

// fault.c: creates sigma0's exception portals of a CPU on its echo EC.
void faults_create_own(unsigned cpu);
// fault.c: creates at `base` the 32 exception portals that init's threads on `cpu` get.
MUST_CHECK error_t faults_create_child(unsigned cpu, sel_t base);

// init.c: starts init.
void init_start(void);
// init.c: reports that init has ended, and has the main thread take away whatever it had. `why` is
// for a person.
void init_stop(const char *why);
// init.c: the main thread's rest: waits for init_stop.
void init_wait(void);
