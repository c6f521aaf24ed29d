// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What the tests of event tracing share.
#pragma once

#include "lib/core/trace.h"
#include "test/system/core/core.h"

struct search {
    const char *label, *name;
    struct trace_subject found; // the last one
    unsigned count;             // 99: the session does not answer
};
// The threads of that name that a session of "trace" sees.
struct search look(struct service_client *trace, const char *label, const char *name);

void trace_own_tests(void);
