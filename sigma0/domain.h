// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Protection domains that sigma0 makes for others (002_8bbc1eeec7f51661.txt, Protection domains):
// the kernel's PD, its address space, stack area and linker area as region maps, and the exceptions
// of its threads, which all come here: page faults are resolved from the address space, a thread's
// start is what its starter said, the rest waits, paused, for who supervises the domain.
#pragma once

#include "lib/rt/thread.h"
#include "sigma0/region_map.h"

// An exception; a domain keeps one of a thread that nobody can name.
struct stray {
    word_t vector, error_code, address, ip, sp;
    unsigned cpu;
    bool valid;
};

// A thread that a "cpu" session made or admitted: protocol.h, CPU_OPERATIONS.
struct subject {
    struct named named;
    struct list in_session, in_domain;
    struct list in_events; // of its domain: stopped, its supervisor not told yet
    struct domain *domain; // with a reference; NULL: not known (yet)
    sel_t ec, sc;
    unsigned cpu, priority;
    word_t ip, sp, argument;
    struct stray exception;       // that stopped it
    u64 number;                   // no other thread has had it; 0: in no domain yet
    bool started, begun, stopped; // begun: what START said has become its registers
    bool stepping, trap_left;     // its trap flag is set: for its supervisor; for nobody any more
    bool dropping;                // the answer that drops a step's end may not have been sent yet
    struct server_session *payer; // of `cost`; NULL: nobody (any more)
    struct server_cost cost;
    sel_t signal; // or SEL_NONE: the domain's
    struct fault_wait wait;
    // For "trace" (subjects.h):
    struct list in_all;
    u64 id;                      // never another thread's
    struct cpu_session *session; // whose label is its component's
    bool main;                   // the first of a component that is named `name`, below that label
    bool handler;                // without a scheduling context of its own
    bool ended;                  // under trace.c's lock: its EC may be another's by now
    struct tracing *tracing;     // likewise; NULL: nobody traces it
    char name[32];
};

enum { FLAG_TRAP = 1 << 8 }; // of rflags

struct domain {
    struct named named;
    struct server_session *payer;
    struct list in_session;
    struct server_cost cost;
    u64 kept_caps;        // of what stands in `signal` and `parent`, and in its threads' `signal`
    sel_t pd, exceptions; // exceptions.h
    struct named by_pd;   // entered at `pd`, with a reference to the domain
    struct region_map *space, *stack, *linker;
    struct mutex lock; // guards what follows, and the lists and states of its threads
    bool gone;         // nothing new is charged
    struct list threads, events;
    struct stray stray;
    sel_t signal;
    sel_t parent[MAX_CPUS]; // what it got of ASSIGN_PARENT; SEL_NONE: nothing
};

// Makes a domain. Its kernel memory and slots come from the account of the PD `account` and return
// there (EMEM, or EPERM: that is none of the client's), or, with SEL_NONE, from ours, for which
// `payer` pays as for all else. ERESOURCE, EMEM, EPARAM.
MUST_CHECK error_t domain_create(struct server_session *payer, sel_t account, u64 kmem_bytes,
                                 u64 caps, struct domain **out);
// Its threads end, its memory is unmapped, its kernel memory comes back. By its owner, once.
void domain_destroy(struct domain *domain);
struct domain *domain_find(struct typed_item name);
// The domain that a thread is in, with a reference; NULL: none of those that were made here.
struct domain *domain_of_thread(sel_t ec);
// Puts a thread into the domain's list, unless it is in one. Under domain->lock.
void domain_enter(struct domain *domain, struct subject *subject);
static inline void domain_put(struct domain *domain)
{
    named_put(&domain->named);
}
// Takes the capabilities to its threads from all clients.
void domain_recall_threads(struct domain *domain);
// Keeps a capability in one of its places, or its threads', as long as it lives; *before is what
// stood there, now the caller's to drop. Without `before` EBUSY: something stands there. ERESOURCE:
// who pays for the domain cannot. ENOTFOUND: the domain has ended.
MUST_CHECK error_t domain_keep(struct domain *domain, sel_t *place, sel_t sel, sel_t *before);
// Empties such a place. Returns what stood there, now the caller's to drop, or SEL_NONE: so of two
// that do this at once one drops it.
MUST_CHECK sel_t domain_release(struct domain *domain, sel_t *place);
// The thread that an item names, with a reference, or NULL.
struct subject *subject_find(struct typed_item name);
static inline void subject_put(struct subject *subject)
{
    named_put(&subject->named);
}
