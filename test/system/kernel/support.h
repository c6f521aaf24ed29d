// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What the kernel's system tests stand on: they are the root program, so there is no sigma0, no
// library and no log but the serial port. A test is a function that returns; CHECK reports the
// first thing that is not as expected and returns.
#pragma once

#include "lib/rt/hypercall.h"
#include <tessera/hip.h>

#define ROOT_UTCB ((struct utcb *)UTCB_ADDR)
#define HIP ((const struct hip *)HIP_ADDR)

struct test {
    const char *name;
    void (*run)(void);
    unsigned cpus; // needs at least so many
};
extern const struct test arguments_tests[], ipc_tests[], death_tests[], exceptions_tests[],
    memory_tests[], semaphore_tests[], schedule_tests[], account_tests[], random_tests[],
    smp_tests[], signal_tests[], delegation_tests[], interrupt_tests[], trace_tests[],
    priority_tests[];

void test_fail(const char *file, unsigned line, const char *what, u64 found, u64 expected);
#define CHECK_EQ(expression, expected_value)                                                       \
    do {                                                                                           \
        u64 found_ = (u64)(expression), expected_ = (u64)(expected_value);                         \
        if (found_ != expected_) {                                                                 \
            test_fail(__FILE__, __LINE__, #expression, found_, expected_);                         \
            return;                                                                                \
        }                                                                                          \
    } while (0)
#define CHECK(expression) CHECK_EQ(!!(expression), 1)

void print(const char *text);
void print_number(u64 value);
static inline u64 tsc(void)
{
    u32 low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return low | (u64)high << 32;
}
static inline u64 tsc_us(u64 us)
{
    return us * HIP->tsc_khz / 1000;
}

// How long something may take that is to come, or a long test's threads: a CPU may stand still for
// seconds on a busy host.
enum { WAIT_US = 20000000, LONG_US = 200000000 };
// Sleeps until something is so, for WAIT_US at most.
#define AWAIT(condition)                                                                           \
    for (u64 end_ = tsc() + tsc_us(WAIT_US); !(condition) && tsc() < end_;)                        \
    rest(1000)

// Selectors and pages of addresses that were never used before.
sel_t sel_new(unsigned count);
u64 page_new(unsigned count);
void support_init(void);
// Returns when on every CPU each thread above priority 1 has got to where it waits.
void settle(void);
void rest(u64 us);      // sleeps
void pauses_init(void); // for settle and rest, once
// The threads of a test return when it is set: by the test, and after it.
extern volatile bool stop;
void tests_run(const struct test *tests);
NORETURN void tests_finish(void);
NORETURN void machine_exit(u32 code);
// Stacks taken after the mark are free again: their threads are gone for good.
unsigned stacks_mark(void);
void stacks_release(unsigned mark);

// Takes 2^order frames from `frame` on, or ports, or an interrupt, from the kernel through the echo
// portal.
error_t take_kernel(crd_t what, u64 at, unsigned flags);
// A free page frame of the machine.
u64 frame_new(unsigned count);

// A local EC in `pd` with a portal to it; entries are naked functions or PORTAL_RAW thunks.
struct handler {
    sel_t ec, pt;
    struct utcb *utcb; // as root sees it if pd is the root PD or a twin: the same address
};
struct handler handler_new(sel_t pd, unsigned cpu, void (*entry)(void), word_t identity);
void handler_free(struct handler *h);
// Entries: reply at once; reply with what came.
void entry_null(void);
void entry_echo(void);

// A PD that shares the root's image, so that functions and variables are the same in both.
sel_t twin_new(u64 kmem, u64 caps);
// A thread with an SC that runs fn(argument) and then sleeps for good. done is counted up when fn
// returned.
struct thread {
    sel_t ec, sc, exc_base, finished;
    struct handler starter;
    u64 utcb; // its address
};
error_t thread_start(struct thread *t, sel_t pd, unsigned cpu, unsigned priority,
                     void (*fn)(word_t), word_t argument);
error_t thread_join(struct thread *t, u64 timeout_us);
void thread_free(struct thread *t);

static inline error_t sm_up(sel_t sm)
{
    return hc_plain(HC_sm_ctrl, sm, SM_OP_UP, 0, 0, 0, 0);
}
static inline error_t sm_down(sel_t sm, u64 deadline)
{
    return hc_plain(HC_sm_ctrl, sm, SM_OP_DOWN, deadline, 0, 0, 0);
}
static inline void drop(sel_t sel)
{
    hc_plain(HC_revoke, SEL_PD, crd(CRD_OBJ, sel, 0, RIGHT_ALL), REVOKE_SELF, 0, 0, 0);
}
static inline error_t revoke_children(crd_t c)
{
    return hc_plain(HC_revoke, SEL_PD, c, 0, 0, 0, 0);
}
error_t delegate_to(sel_t pd, crd_t c, u64 hotspot);
u64 read_kmem(sel_t pd); // used, in units of 64 bytes, after deferred releases are done
// Whether the root program's use comes down to `limit`: on a busy host another CPU may hold what
// was freed for a while.
bool kmem_falls_to(u64 limit);
bool kmem_of_falls_to(sel_t pd, u64 limit);
bool caps_fall_to(u64 limit);
u64 read_caps(sel_t pd);
