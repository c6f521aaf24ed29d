// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What benchmark programs share: samples, and the line that tools/bench reads.
#pragma once

#include "lib/rt/print.h"
#include <tessera/error.h>

enum { SAMPLES = 101, WARM = 5 };
static u64 samples[SAMPLES] __attribute__((unused));
static u64 overhead __attribute__((unused)); // of reading the clock twice

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
