// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What host tests share: CHECK, a repeatable random generator, and the PASS and FAIL lines.
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static int check_failures;

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            printf("  %s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                       \
            check_failures++;                                                                      \
        }                                                                                          \
    } while (0)

// Runs a test function and prints its line.
#define RUN(test)                                                                                  \
    do {                                                                                           \
        int before = check_failures;                                                               \
        test();                                                                                    \
        printf("%s %s\n", check_failures == before ? "PASS" : "FAIL", #test);                      \
        fflush(stdout);                                                                            \
    } while (0)

static uint64_t random_state = 0x9e3779b97f4a7c15;

// xorshift64*: the same numbers in every run.
static inline uint64_t random_next(void)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * 0x2545f4914f6cdd1d;
}

static inline uint64_t random_below(uint64_t limit)
{
    return random_next() % limit;
}
