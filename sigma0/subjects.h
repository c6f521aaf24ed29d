// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Threads as "trace" sees them: the list of all, and what ends tracing. sigma0's own are among
// them; they have no capability that could name them, so a tracer can look at them and nothing
// else.
#pragma once

#include "sigma0/cpu.h"
#include "sigma0/dataspace.h"
#include "sigma0/domain.h"
#include "sigma0/services.h"

struct subject_view {
    u64 id, ticks;
    unsigned cpu, priority;
    enum thread_state state;
    char label[SERVICE_LABEL_MAX], name[sizeof(((struct subject *)0)->name)];
};

// Puts a thread into the list of all, with its number; takes it out, once.
void subject_list(struct subject *subject);
void subject_unlist(struct subject *subject);
// Enters a handler or thread of sigma0's own, or init's main thread, which no session made: for
// good. `sc` may be SEL_NONE. EMEM.
MUST_CHECK error_t subject_list_own(sel_t ec, const char *name);
MUST_CHECK error_t subject_list_init(sel_t ec, sel_t sc, unsigned priority);
// thread_state.c: what it does.
enum thread_state subject_state(const struct subject *subject);
// The first living thread with at least that id whose component is, or lies below, what
// the label names; sigma0's own if that is the root of all. With a reference. NULL: there is none.
struct subject *subject_next(const char *label, u64 id, struct subject_view *view);
// trace.c: the thread has ended for everybody, its EC is about to go. Nothing of it is written any
// more.
void trace_subject_ends(struct subject *subject);
// trace.c: the same of a dataspace that holds rings, and that nobody can name any more.
void trace_dataspace_ends(struct dataspace *ds);
