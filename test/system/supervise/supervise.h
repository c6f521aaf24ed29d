// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What the files of this test share: they look at one child of the init "apps".
#pragma once

#include "test/system/inits.h"
#include "test/system/supervise/debuggee.h"

enum { WAIT_US = 20000000, ROUNDS = 20 };
#define WORKER "apps -> worker"

extern struct debuggee d, second;

// Has the configuration compiler change what stands at `path` of the configuration of "apps".
bool set(const char *path, const char *value);
// Whether a child of "apps" comes to be in that state, with that many restarts.
bool reaches(const char *name, enum child_state state, u32 restarts);
u32 lives(void); // restarts of the worker
// Whether both of its threads move, as its memory shows, while it is attached.
bool moves(void);
// What a session for another one ends with; it is closed again.
error_t refused(const char *path);
// A session for the worker, in `d`, as soon as nobody else has one.
error_t open_worker(void);
// Whether who comes next sees that it goes on.
bool goes_on(void);
// Waits until its debugger is told that so many lives have begun, and whether one runs.
bool lives_told(u64 lives, bool runs, enum child_state ended, int code);
// What a test that failed has left is not the next one's trouble.
void begin_anew(void);
#define RUN_ANEW(test)                                                                             \
    do {                                                                                           \
        RUN(test);                                                                                 \
        begin_anew();                                                                              \
    } while (0)

void config_tests(void);
