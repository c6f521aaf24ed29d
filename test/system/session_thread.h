// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Threads of a program on the time of a "cpu" session of the test's choice, one made or ended at a
// time.
#pragma once

#include "lib/rt/thread.h"
#include "lib/service/env.h"

static struct service_client *session_giver; // whose session gives the next thread its time

static inline error_t session_sc_create(sel_t ec, unsigned priority, u32 quantum_us,
                                        const char *name, sel_t *sc)
{
    return sc_create_in(session_giver, ec, priority, quantum_us, 0, 0, name, sc);
}

static inline void session_sc_destroy(sel_t sc)
{
    sc_destroy_in(session_giver, sc);
}

// A thread "spinner" of priority 20. Errors: thread_create's and the session's.
MUST_CHECK static inline error_t session_thread_create(struct thread *t,
                                                       struct service_client *session, unsigned cpu,
                                                       void (*entry)(void *), void *argument)
{
    error_t (*usual)(sel_t, unsigned, u32, const char *, sel_t *) = rt_sc_create;
    session_giver = session;
    rt_sc_create = session_sc_create;
    error_t error = thread_create(t, cpu, 20, "spinner", entry, argument);
    rt_sc_create = usual;
    return error;
}

static inline void session_thread_destroy(struct thread *t, struct service_client *session)
{
    void (*usual)(sel_t) = rt_sc_destroy;
    session_giver = session;
    rt_sc_destroy = session_sc_destroy;
    thread_destroy(t);
    rt_sc_destroy = usual;
}
