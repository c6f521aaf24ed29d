// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Waiting for a line of the log, for programs whose log session has the argument "read".
#pragma once

#include "lib/core/log.h"
#include "lib/rt/print.h"
#include "lib/rt/string.h"
#include "test/system/wait.h"

// Where the text ends in it; 0 if it is not there.
static inline size_t says_end_of(const char *text, size_t length, const char *what)
{
    size_t wanted = strlen(what);
    for (size_t i = 0; i + wanted <= length; i++) {
        if (!memcmp(text + i, what, wanted))
            return i + wanted;
    }
    return 0;
}

// Whether somebody says this within the time, behind *position (0: the oldest line that is there);
// the log is read on behind it.
static inline bool log_says(struct service_client *reader, u64 *position, const char *what,
                            u64 wait_us)
{
    static char text[4096];
    size_t kept = 0, length = 0;
    for (u64 end = deadline_in_us(wait_us); rdtsc() < end;) {
        if (log_read(reader, position, text + kept, sizeof(text) / 2, &length))
            break;
        size_t all = kept + length, found = says_end_of(text, all, what);
        *position -= found ? all - found : 0;
        if (found)
            return true;
        kept = all < strlen(what) ? all : strlen(what);
        memmove(text, text + all - kept, kept);
        if (!length)
            pause_us(5000);
    }
    print("  not said: %s\n", what);
    return false;
}
