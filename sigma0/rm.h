// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The operations on region maps, which sessions of "rm" and of "pd" both understand (protocol.h,
// RM_OPERATIONS).
#pragma once

#include "sigma0/region_map.h"

// The region maps that a session has made.
struct rm_owner {
    struct mutex lock;
    struct list maps; // struct rm_entry
};

void rm_owner_init(struct rm_owner *owner);
// Destroys all of them; another CPU may be making one.
void rm_owner_clear(struct rm_owner *owner);
// The same, when nobody uses it any more.
void rm_owner_end(struct rm_owner *owner);
MUST_CHECK error_t rm_operation(struct server_session *session, struct rm_owner *owner,
                                struct server_cpu *cpu, word_t operation, struct msg *m);
