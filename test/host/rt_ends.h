// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What lib/rt does when the impossible happens, in a host test: a FAIL line and the end.
#pragma once

#include "lib/rt/assert.h"
#include "lib/rt/print.h"
#include <stdio.h>
#include <stdlib.h>

NORETURN void rt_panic(const char *format, ...)
{
    printf("FAIL panic: %s\n", format);
    exit(1);
}

NORETURN void rt_assert_failed(const char *condition, const char *file, unsigned line)
{
    printf("FAIL %s:%u: %s\n", file, line, condition);
    exit(1);
}
