// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Threads: handlers (local ECs, which run only for their portals) and global threads.
//
// A thread block is 128 KiB of addresses: a stack of up to STACK_SIZE at its (STACK_SIZE-aligned)
// base and the UTCB UTCB_DISTANCE above; between and around them nothing is mapped, so a stack that
// overflows faults. The kernel provides the UTCB page, rt_memory_grow the stack. struct thread
// belongs to its creator; what a thread knows of itself lies in its UTCB's user words (struct
// thread_words).
//
// Exceptions of all these threads go to the parent's portals for their CPU (SEL_EXC_CPU + 32 *
// cpu), with one exception: for the start of global threads lib/rt puts a portal of its own at
// EXC_STARTUP of that range, when the first global thread of that CPU is created.
#pragma once

#include "lib/rt/portal.h"

struct thread {
    sel_t ec, sc, done; // sc: SEL_NONE for handlers; done: semaphore that thread_exit ups
    unsigned cpu;
    char *block;
    size_t stack_bytes;
};

// The UTCB of a thread that has been created.
static inline struct utcb *thread_utcb(const struct thread *thread)
{
    return (struct utcb *)((word_t)thread->block + UTCB_DISTANCE);
}

typedef void (*thread_function_t)(void *argument);

// What is kept in utcb()->user.
struct thread_words {
    u32 cpu;
    sel_t ec, done, park;
    thread_function_t function;
    void *argument;
    word_t spare[8];
};
_Static_assert(sizeof(struct thread_words) == sizeof(((struct utcb *)0)->user), "fits exactly");

static inline struct thread_words *thread_words(void)
{
    return (struct thread_words *)utcb()->user;
}
// The CPU that the calling thread runs on; it never changes.
static inline unsigned thread_cpu(void)
{
    return thread_words()->cpu;
}

// Creates the thread block and a local EC on `cpu`. `stack_bytes`: page multiple up to STACK_SIZE,
// 0 = 16 KiB. Errors: EMEM, ECPU, ERESOURCE (no selector).
MUST_CHECK error_t thread_create_handler(struct thread *thread, unsigned cpu, size_t stack_bytes);

// Creates a global thread on `cpu`, which runs function(argument) and then exits. `name` is for the
// statistics. Errors: as above, EFEATURE if there is no rt_sc_create, and what that returns.
MUST_CHECK error_t thread_create(struct thread *thread, unsigned cpu, unsigned priority,
                                 const char *name, thread_function_t function, void *argument);

// Waits until a global thread has exited, then frees all that it had.
void thread_join(struct thread *thread);
// Ends a thread of either kind at whatever instruction it is, and frees all that it had but locks
// that it held. Its portals answer EABORT from then on; portal_destroy them. Not for the calling
// thread.
void thread_destroy(struct thread *thread);
// Ends the calling global thread (not the main one).
NORETURN void thread_exit(void);

// Creates a portal into a handler at a fresh selector (portal_create_at: at `sel`, which is empty),
// with its identity word. `mtd` is 0 but for exception portals. Remove with portal_destroy.
MUST_CHECK error_t portal_create(const struct thread *handler, portal_entry_t entry, unsigned mtd,
                                 word_t identity, sel_t *out);
MUST_CHECK error_t portal_create_at(sel_t sel, const struct thread *handler, portal_entry_t entry,
                                    unsigned mtd, word_t identity);
void portal_destroy(sel_t portal);

// Gives an EC a scheduling context, where only the environment can: lib/service's client of "cpu",
// or sigma0 itself. On success *sc is a selector of ours. NULL: global threads cannot be created.
extern error_t (*rt_sc_create)(sel_t ec, unsigned priority, u32 quantum_us, const char *name,
                               sel_t *sc);
// Gives it back; may be NULL (then the capability is dropped).
extern void (*rt_sc_destroy)(sel_t sc);
// Shows a handler by its name to those who may trace the program; may be NULL.
extern error_t (*rt_handler_show)(sel_t ec, const char *name);

// The exception base of our threads on a CPU. SEL_EXC_CPU + 32 * cpu here (fallback.c); sigma0 may
// have its own.
sel_t rt_exception_base(unsigned cpu);
