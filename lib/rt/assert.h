// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Assertions: for the impossible, not for what a user can cause. They stay on in every build. A
// failed one prints where and what, and ends the program.
#pragma once

#include <tessera/types.h>

#define ASSERT(condition)                                                                          \
    do {                                                                                           \
        if (UNLIKELY(!(condition)))                                                                \
            rt_assert_failed(#condition, __FILE__, __LINE__);                                      \
    } while (0)

NORETURN void rt_assert_failed(const char *condition, const char *file, unsigned line);
// Prints a line and ends the program.
NORETURN void rt_panic(const char *format, ...) __attribute__((format(printf, 1, 2)));
