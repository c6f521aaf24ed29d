// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Tests that judge themselves, for programs with lib/rt's print: one PASS or FAIL line a test, then
// `test: DONE`, which tools/test reads.
#pragma once

#include "lib/rt/print.h"
#include <tessera/error.h>

// One of each in a program, however many files it has.
__attribute__((weak)) bool test_failed;
__attribute__((weak)) unsigned tests_passed, tests_failed;

// Leaves the test's function when `condition` is false.
#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            print("  %s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                        \
            test_failed = true;                                                                    \
            return;                                                                                \
        }                                                                                          \
    } while (0)
// Compares two error_t or numbers and prints both.
#define CHECK_EQ(expression, expected)                                                             \
    do {                                                                                           \
        word_t check_found = (word_t)(expression), check_expected = (word_t)(expected);            \
        if (check_found != check_expected) {                                                       \
            print("  %s:%d: %s: found %lu, expected %lu\n", __FILE__, __LINE__, #expression,       \
                  check_found, check_expected);                                                    \
            test_failed = true;                                                                    \
            return;                                                                                \
        }                                                                                          \
    } while (0)

#define RUN(test)                                                                                  \
    do {                                                                                           \
        test_failed = false;                                                                       \
        test();                                                                                    \
        print("test: %s %s\n", test_failed ? "FAIL" : "PASS", #test);                              \
        *(test_failed ? &tests_failed : &tests_passed) += 1;                                       \
    } while (0)

#define TESTS_DONE() print("test: DONE %u passed, %u failed\n", tests_passed, tests_failed)
