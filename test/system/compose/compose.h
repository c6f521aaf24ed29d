// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What the files of this test share: sessions at compose-server.
#pragma once

#include "lib/service/control.h"
#include "test/system/compose_server/operations.h"

enum { WAIT_US = 20000000 };

// Opens a session, which is closed again on failure; what is refused is to be seen.
error_t open_quota(struct service_client *c, const char *name, const char *label, u64 ram);
error_t open(struct service_client *c, const char *name);

struct info {
    word_t calls, sessions, ram, caps;
    char label[SERVICE_LABEL_MAX], args[SERVICE_ARGS_MAX];
};
// What the server knows of the session.
error_t info(struct service_client *c, struct info *i);

// A request of the parent protocol about a session's pseudonym.
error_t ask_parent(word_t operation, struct service_client *c);
// By hand, so that no back-off holds it up, unless that is over already.
error_t kill_and_start(struct service_client *control, const char *name);

// How often: `soak=N` of the kernel's command line, or else so many times.
u64 rounds_of(u64 usual);

// Whether a child of our init comes to be in that state, by a session that is open already: the
// account may be empty.
bool reaches(struct service_client *control, const char *name, enum child_state state,
             u32 restarts);

void peaks_tests(void); // the first
void upgrades_tests(void);
void races_tests(void);
void routes_tests(void);
void accounts_tests(void);
void sums_tests(void); // of what has happened before
void lives_tests(void);
