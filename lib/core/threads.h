// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Threads of other domains (002_8bbc1eeec7f51661.txt, Processing-time allocation; doc/threads.md),
// by way of sessions of "cpu". A thread is named by its capability. These functions use the calling
// thread's UTCB and its windows.
#pragma once

#include "lib/service/client.h"

// A thread in a domain (domain.h), which pays for it, with its UTCB at `utcb` (page multiple).
// *thread is a new selector. ECPU the session may not use that CPU, ENOTFOUND the domain, EBUSY the
// UTCB's place, EMEM the domain's kernel memory or ours for the selector, or it was killed before
// we got it, ERESOURCE who pays for the domain.
MUST_CHECK error_t cpu_thread_create(struct service_client *cpu_session, sel_t domain, unsigned cpu,
                                     unsigned priority, word_t utcb, const char *name,
                                     sel_t *thread);
// Lets it run from `ip`, with `sp` and `argument` (rdi). EINUSE: it was started; EPARAM: no user
// address.
MUST_CHECK error_t cpu_thread_start(struct service_client *cpu_session, sel_t thread, word_t ip,
                                    word_t sp, word_t argument);
// Stops it wherever it is; lets it go on; lets it go on for one instruction. ENOTFOUND: it is gone;
// of a step EBUSY: it is not paused.
MUST_CHECK error_t cpu_thread_pause(struct service_client *cpu_session, sel_t thread);
MUST_CHECK error_t cpu_thread_resume(struct service_client *cpu_session, sel_t thread);
MUST_CHECK error_t cpu_thread_step(struct service_client *cpu_session, sel_t thread);
// The registers of a paused thread; in `state` also vector, error code and fault address of the
// exception that stopped it. EBUSY: it still runs; try again.
MUST_CHECK error_t cpu_thread_read(struct service_client *cpu_session, sel_t thread,
                                   enum thread_state *what, struct exc_state *state);
// Writes those that `mtd` names.
MUST_CHECK error_t cpu_thread_write(struct service_client *cpu_session, sel_t thread, unsigned mtd,
                                    const struct exc_state *state);
// FPU and SSE of a paused thread: x87 stack, XMM registers, control and status (AVX's upper halves
// stay unseen). EBUSY: it still runs; EFEATURE of writing: it has not used them yet, and reads as a
// thread that begins.
MUST_CHECK error_t cpu_thread_read_fpu(struct service_client *cpu_session, sel_t thread,
                                       struct fpu_state *state);
MUST_CHECK error_t cpu_thread_write_fpu(struct service_client *cpu_session, sel_t thread,
                                        const struct fpu_state *state);
// Another priority, 1 to PRIORITY_MAX, for a thread that the session made or admitted, or for a
// scheduling context (env.h); cut to what the session may give. It holds at once, also while the
// thread waits, is helped or has no time left. ENOTFOUND; EPERM: another session's thread.
MUST_CHECK error_t cpu_priority(struct service_client *cpu_session, sel_t thread_or_sc,
                                unsigned priority);
// For a parent: what the sessions may give whose label, below the session's own, is `label`. Their
// highest priority is the lower one of `highest` and `bound` (0: as it was; a session begins with
// its arguments' and no bound), each cut to the session's own; their threads have what they asked
// for, as far as that allows. *sessions (may be NULL): how many there are.
MUST_CHECK error_t cpu_limit(struct service_client *cpu_session, const char *label,
                             unsigned highest, unsigned bound, u64 *sessions);
// Ends it, by the session that made it, and drops the selector.
void cpu_thread_kill(struct service_client *cpu_session, sel_t thread);

// Has `semaphore` upped when an exception of the thread, or of any thread of the domain, finds no
// answer: then the thread is paused.
MUST_CHECK error_t cpu_exception_signal(struct service_client *cpu_session, sel_t thread_or_domain,
                                        sel_t semaphore);
// One of a domain's threads, handlers that their program shows (lib/service's servers do) among
// them: the one with the lowest number above `after` (0: the first), and a
// capability to it, which is the caller's. ENOTFOUND: no more, or no such domain.
struct thread_entry {
    u64 number;             // no other thread has had it
    unsigned cpu, priority; // priority 0: a handler, which runs on its callers' time
    enum thread_state state;
    sel_t thread; // a new selector
    char name[32];
};
MUST_CHECK error_t cpu_next_thread(struct service_client *cpu_session, sel_t domain, u64 after,
                                   struct thread_entry *entry);
struct thread_exception {
    word_t vector, error_code, address, ip, sp;
    unsigned cpu;
    sel_t thread; // a new selector, or SEL_NONE: nobody has a hold on that thread, it is dead
};
// The oldest exception of a domain that was not told yet. ENOTFOUND.
MUST_CHECK error_t cpu_next_exception(struct service_client *cpu_session, sel_t domain,
                                      struct thread_exception *exception);
