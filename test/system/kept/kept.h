// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What the files of kept-test share.
#pragma once

#define INITS_WAIT_US 30000000
#include "lib/service/env.h"
#include "test/system/inits.h"
#include "test/system/kept_keeper/operations.h"

enum { WAIT_US = INITS_WAIT_US };

// A session with "keeper" (label "twin": with the other one) that does not mind its deaths.
error_t keeper_open(struct service_client *keeper, const char *label, const char *args);
error_t keeper_add(struct service_client *keeper, word_t n, word_t *sum, bool *resumed);
struct keeper_info {
    word_t there, failures, sessions, records, torn;
};
error_t keeper_info(struct service_client *keeper, struct keeper_info *info);
// Has it end, and waits until its next life runs.
bool keeper_dies(struct service_client *keeper, const char *child, enum keeper_death how);
bool keeper_is_killed(const char *child);
// Has one end whose back-off is long: until it is started it is dead.
bool keeper_ends(const char *child);
error_t keeper_keep(struct service_client *keeper, const char *name, word_t bytes, word_t *found,
                    bool *earlier);
error_t keeper_drop(struct service_client *keeper, const char *name);
error_t keeper_poke(struct service_client *keeper, const char *name, word_t offset, word_t value);
error_t keeper_peek(struct service_client *keeper, const char *name, word_t offset, word_t *value);
// Of a child of init, or of an init below it.
error_t quota_of(const char *path, const char *name, struct control_quota *quota);
// What init has is what it had, at last.
bool usage_returns(const struct control_usage *before);

// own.c: what the judge keeps itself.
void run_own(void);
// sessions.c: sessions that go on.
void run_sessions(void);
