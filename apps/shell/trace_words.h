// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What a person writes after `trace`, understood. Nothing here calls anybody.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <tessera/types.h>

enum { TRACE_NAMES_MAX = 16, TRACE_WORD_MAX = 64 };

struct trace_words {
    unsigned count;
    char word[TRACE_NAMES_MAX][TRACE_WORD_MAX];
    u64 number; // of "KEY=NUMBER"; 0: there was none
};

// Names, and "KEY=NUMBER" from `least` to `most` for one key. False if they are not right: `wrong`
// is what was found and what was expected.
bool trace_words_read(const char *text, const char *key, u64 least, u64 most,
                      struct trace_words *words, char *wrong, size_t size);

// Whether a component's label is named by "greeter" or is below what it names: with or without
// "init -> " before it; a / stands for an arrow ("inner/clock"). "" names everybody.
bool trace_matches(const char *label, const char *name);

// "CALL,FAULT" or "all" as a mask, in any case; 0 for an empty list. False if there is no such
// event: `wrong` as above.
bool trace_events_read(const char *list, u32 *mask, char *wrong, size_t size);
// The names of a mask's events, "CALL,FAULT".
void trace_events_format(u32 mask, char *text, size_t size);
