// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// attachee, supervised: what the judge and the spy do to it.
#pragma once

#include "lib/core/debug.h"
#include "lib/core/domain.h"
#include "lib/core/threads.h"
#include "test/system/attachee/orders.h"
#include "test/system/wait.h"

enum { BREAKPOINT = 0xcc, VECTOR_TRAP = 1, VECTOR_BREAKPOINT = 3 };

struct debuggee {
    struct service_client debug, pd, cpu;
    sel_t lives, exceptions, domain;
    word_t entry;
    struct attachee_map map;
};

// A session for a child; no life is attached yet.
error_t debuggee_open(struct debuggee *d, const char *path);
void debuggee_close(struct debuggee *d);
// Attaches the life that runs, and finds what attachee shows of itself.
error_t debuggee_attach(struct debuggee *d);
error_t debuggee_release(struct debuggee *d);
// Reads and writes a word of its memory.
error_t debuggee_read(struct debuggee *d, word_t address, word_t *value);
error_t debuggee_write(struct debuggee *d, word_t address, word_t value);
// The thread of that name; *thread is a new selector.
error_t debuggee_thread(struct debuggee *d, const char *name, sel_t *thread);
// Stops it and reads its registers.
error_t debuggee_stop(struct debuggee *d, sel_t thread, struct exc_state *state);
// Puts a breakpoint where its main thread is, or what *byte says; *byte is what was there.
error_t debuggee_patch(struct debuggee *d, word_t address, u8 byte, u8 *was);
