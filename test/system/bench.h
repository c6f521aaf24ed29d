// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What benchmark programs share: samples, and the line that tools/bench reads.
#pragma once

#include "lib/rt/print.h"
#include "lib/rt/start.h"
#include "lib/rt/string.h"
#include "lib/rt/tsc.h"
#include <tessera/error.h>

enum { SAMPLES = 101, WARM = 5 };
static u64 samples[SAMPLES] __attribute__((unused));
static u64 overhead __attribute__((unused)); // of reading the clock twice

// The addresses between which tools/profile counts; it knows the nop.
#define PROFILE_MARK ".byte 0x0f, 0x1f, 0x80\n\t.ascii \"MARK\"\n\t"
__attribute__((noinline, unused)) static void profile_begin(void)
{
    __asm__ volatile(PROFILE_MARK "# begin");
}
__attribute__((noinline, unused)) static void profile_end(void)
{
    __asm__ volatile(PROFILE_MARK "# end"); // text of its own, or they would become one function
}

// The key that the profiler wants, from bench=KEY on the command line; NULL: none.
static inline const char *profile_key(void)
{
    const char *line = hip()->cmdline;
    while (*line && strncmp(line, "bench=", 6))
        line++;
    return *line ? line + 6 : NULL;
}

// One operation of `key` begins. Returns the clock.
static inline u64 operation_begin(const char *key)
{
    const char *wanted = profile_key();
    if (wanted && !strcmp(wanted, key))
        profile_begin();
    return rdtsc();
}
// It is over. Returns what it took.
static inline u64 operation_end(u64 begin)
{
    u64 took = rdtsc() - begin - overhead;
    profile_end();
    return took;
}

// Prints minimum and median of the first `count` samples.
static inline void report(const char *key, unsigned count)
{
    for (unsigned i = 1; i < count; i++) {
        for (unsigned k = i; k > 0 && samples[k] < samples[k - 1]; k--) {
            u64 t = samples[k];
            samples[k] = samples[k - 1];
            samples[k - 1] = t;
        }
    }
    print("bench: %s %lu %lu instructions\n", key, samples[0], samples[count / 2]);
}

static inline void must(error_t error, const char *what)
{
    if (error)
        print("bench: FAIL %s %s\n", what, error_name(error));
}
