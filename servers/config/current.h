// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The configuration in force: its text, and the tree that it compiles to (servers/config/module.h).
// What is not right changes nothing. One thread at a time: the compiler and the C library below it
// are not for several.
#pragma once

#include <tessera/error.h>

enum { TEXT_MAX = 64 * 1024, REPORT_MAX = 3000 };

// What was wrong, a line each; what does not fit is counted in a last line.
struct report {
    char text[REPORT_MAX];
    size_t length;
    unsigned left_out;
};

struct current {
    char *text; // on the heap, `length` bytes; NULL before the first
    size_t length;
    u64 version; // counts changes; 0: there is nothing yet
};

extern struct current current;

// Compiles `text`, an object of the heap that is the callee's from now on, and puts it in force. An
// empty report says that it did. Errors, which leave the report empty: EMEM.
MUST_CHECK error_t current_load(char *text, size_t length, struct report *report);
// Gives one item another value (conf_set) and puts the text that results in force. Likewise.
MUST_CHECK error_t current_set(const char *path, const char *value, struct report *report);
