// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What the two halves of the "cpu" service share: scheduling contexts (cpu.c) and threads
// (threads.c).
#pragma once

#include "lib/service/server.h"

enum { CPU_NAME_SIZE = 96 };

struct pool;
struct subject;

struct cpu_session {
    struct server_session *session;
    struct list link; // in cpu.c's list of all
    // Under cpu.c's lock; `priority_max` is the lower one of the two behind it.
    unsigned priority_max, priority_own, priority_above;
    u64 cpus; // where its threads may run
    bool all;
    struct pool *pool;   // or NULL: no limit
    struct mutex lock;   // guards `threads`
    struct list threads; // struct subject, in_session
    char label[SERVICE_LABEL_MAX];
};

struct cpu_request {
    u32 priority, quantum_us, budget_us, period_us;
    bool main;               // CPU_MAIN
    struct server_cost cost; // that was charged for it
    char name[CPU_NAME_SIZE];
};

// cpu.c: gives an EC a scheduling context at a fresh selector. The priority is cut to the
// session's. ECPU the session may not use its CPU, ERESOURCE, EMEM, and create_sc's errors.
MUST_CHECK error_t cpu_admit(struct cpu_session *session, sel_t ec, const struct cpu_request *q,
                             sel_t *sc);
// cpu.c: another priority, cut to the session's, for its scheduling context `sc`. ENOTFOUND.
MUST_CHECK error_t cpu_priority(struct cpu_session *session, u64 sc, unsigned priority);
// cpu.c: takes back the scheduling context `sc` of the session, or any of its own if that is
// SEL_NONE. False if there is none.
bool cpu_take_back(struct cpu_session *session, u64 sc);

// threads.c: the operations from CREATE_THREAD on.
MUST_CHECK error_t thread_dispatch(struct cpu_session *session, struct server_cpu *cpu,
                                   word_t operation, struct msg *m);
// thread_state.c: those of them that pause a thread or look into it; EPROTO: it is none of these.
MUST_CHECK error_t thread_state_dispatch(struct subject *s, word_t operation, struct msg *m);
// threads.c: gives a client's own thread, which came with EC_CTRL, a scheduling context. Before it
// runs it is one that its supervisor can see: in the domain that it is in, if sigma0 made that.
// `ec` is taken over in any case. Errors as of cpu_admit.
MUST_CHECK error_t thread_adopt(struct cpu_session *session, sel_t ec, const struct cpu_request *q,
                                sel_t *sc);
// threads.c: a client's handler, which runs on its callers' time, becomes one that can be seen.
// `ec` is taken over in any case. Errors as of server_charge_cost, EMEM.
MUST_CHECK error_t thread_adopt_handler(struct cpu_session *session, sel_t ec, const char *name);
// threads.c: forgets the thread with that scheduling context, if there is one.
void thread_forget(struct cpu_session *session, sel_t sc);
// threads.c: ends all threads that the session made, forgets those that it admitted.
void threads_close(struct cpu_session *session);
