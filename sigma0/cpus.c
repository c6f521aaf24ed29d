// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What sigma0 has on each CPU: the echo EC and portal, its own exception portals, an EC for init's
// exceptions and one for init's requests (sigma0.h, enum cpu_selector). On CPU 0 the echo comes
// first of all, on a thread block that gets its stack later: the echo handler needs none, and what
// else runs on that EC can only run once there is memory.
#include "lib/rt/address.h"
#include "lib/rt/assert.h"
#include "lib/rt/memory.h"
#include "lib/rt/start.h"
#include "lib/rt/thread.h"
#include "sigma0/echo.h"
#include "lib/rt/range.h"
#include "sigma0/sigma0.h"

enum { STACK_BYTES = 4 * PAGE_SIZE };
#define BLOCK_BYTES (2 * STACK_SIZE) // of addresses: lib/rt/thread.h

static sel_t first_selector[MAX_CPUS];
static word_t echo_block;
static struct thread parent_thread[MAX_CPUS];

sel_t cpu_selectors(unsigned cpu)
{
    return first_selector[cpu];
}

// What a thread knows of itself; its UTCB is mapped once the EC exists.
static void introduce(word_t block, unsigned cpu, sel_t ec)
{
    struct utcb *u = (struct utcb *)(block + UTCB_DISTANCE);
    *(struct thread_words *)u->user = (struct thread_words){.cpu = cpu, .ec = ec, .done = SEL_NONE};
}

static error_t stack_grow(word_t block, size_t bytes)
{
    return rt_memory_grow((void *)(block + STACK_SIZE - bytes), bytes);
}

const struct thread *cpu_parent_threads(void)
{
    return parent_thread;
}

error_t cpu_thread(unsigned cpu, sel_t ec, size_t stack_bytes, struct thread *thread)
{
    word_t block = address_alloc(BLOCK_BYTES);
    if (!block)
        return EMEM;
    error_t error = stack_grow(block, stack_bytes);
    if (!error)
        error = object_ec(ec, block + UTCB_DISTANCE, block + STACK_SIZE - 8, cpu, 0,
                          first_selector[cpu] + CPU_EXC_BASE, SEL_PD);
    if (error)
        return error;
    introduce(block, cpu, ec);
    *thread = (struct thread){.ec = ec,
                              .sc = SEL_NONE,
                              .done = SEL_NONE,
                              .cpu = cpu,
                              .block = (char *)block,
                              .stack_bytes = stack_bytes};
    return SUCCESS;
}

// A CPU's objects up to the echo portal. The stack comes with cpu_finish.
static void cpu_begin(unsigned cpu)
{
    sel_t first = first_selector[cpu] = object_selectors(CPU_SELECTORS);
    echo_block = address_alloc(BLOCK_BYTES);
    ASSERT(echo_block);
    echo_create(cpu, first + CPU_EC_ECHO, first + CPU_PT_ECHO, first + CPU_SM_ECHO,
                echo_block + UTCB_DISTANCE, echo_block + STACK_SIZE - 8);
    introduce(echo_block, cpu, first + CPU_EC_ECHO);
}

static void cpu_finish(unsigned cpu)
{
    sel_t first = first_selector[cpu];
    error_t error = stack_grow(echo_block, STACK_BYTES);
    ASSERT(!error);
    faults_create_own(cpu);
    struct thread faults;
    error = cpu_thread(cpu, first + CPU_EC_FAULTS, STACK_BYTES, &faults);
    if (!error)
        error = cpu_thread(cpu, first + CPU_EC_PARENT, STACK_BYTES, &parent_thread[cpu]);
    if (!error)
        error = object_sm(first + CPU_SM_ECHO, 0);
    ASSERT(!error);
}

void cpus_init_first(void)
{
    cpu_begin(0);
}

void cpus_init_rest(void)
{
    cpu_finish(0);
    // The main thread and the echo ECs have exception base 0.
    error_t error = range_delegate(SEL_PD, CRD_OBJ, first_selector[0] + CPU_EXC_BASE, SEL_EXC_BASE,
                                   EXC_STARTUP + 1, RIGHT_ALL);
    ASSERT(!error);
    for (unsigned cpu = 1; cpu < hip()->cpu_count; cpu++) {
        cpu_begin(cpu);
        cpu_finish(cpu);
    }
}
