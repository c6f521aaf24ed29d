// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What the files of the command `trace` share: the threads that are or were traced. Each `trace
// start` makes a batch: the threads that it found and one dataspace of the shell's with a ring for
// each. A batch stays after `trace stop`, to be shown, until tracing is started anew.
#pragma once

#include "lib/core/trace.h"
#include "lib/rt/list.h"

enum { TRACE_PATH_MAX = SERVICE_LABEL_MAX + TRACE_NAME_MAX };

struct traced {
    struct trace_subject subject; // as it was when tracing began
    struct trace_ring *ring;
    bool on; // the session traces it, as far as we know: it may have ended
};

struct trace_batch {
    struct list link;
    sel_t ds;
    word_t address;
    size_t bytes;
    unsigned count;
    struct traced *threads;
};

extern struct list trace_batches;
extern u32 trace_events; // bit n: event n was wanted at some time since the start

struct service_client *client_trace(void);

// "greeter/main": the label without "init -> ", arrows as /, and the thread's name.
void trace_path(const struct trace_subject *subject, char *path, size_t size);

// No thread writes into its ring until trace_go_on.
void trace_hold(void);
void trace_go_on(void);

void trace_list(void);
void trace_show(const char *name, u64 latest);
void trace_dump(void);
