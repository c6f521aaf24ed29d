// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Reports that survive their server (doc/keeping.md, doc/report.md): of each session's report a
// copy is kept under the session's number, if the server's block has a `keep`. It is billed to the
// session like the report itself.
#pragma once

#include "lib/service/server.h"

// Looks at what an earlier life has left. True if something can be kept at all.
bool reports_open(unsigned sessions_max);
// What keeping a report of so many bytes costs its session; nothing if nothing is kept.
struct server_cost report_kept_cost(size_t bytes);
// Keeps it in place of what was kept for that session; from then on it is the one. ERESOURCE, EMEM:
// then none is kept for it.
MUST_CHECK error_t report_keep(u64 number, const char *text, size_t bytes);
// What an earlier life kept of a session: memory_alloc's, of *bytes + 1. ENOTFOUND, EMEM.
MUST_CHECK error_t report_kept_read(u64 number, char **text, size_t *bytes);
void report_forget(u64 number);
// After server_start: gives up what belongs to sessions that have ended before this life.
void reports_review(void);
