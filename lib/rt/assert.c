// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What cannot go on (assert.h).
#include "lib/rt/assert.h"
#include "lib/rt/print.h"
#include "lib/rt/start.h"

enum { EXIT_PANIC = 255 };

NORETURN static void end(void)
{
    static bool ending; // rt_exit may itself find something impossible
    if (!__atomic_exchange_n(&ending, true, __ATOMIC_RELAXED))
        rt_exit(EXIT_PANIC);
    __builtin_trap();
}

void rt_assert_failed(const char *condition, const char *file, unsigned line)
{
    print("%s:%u: assertion failed: %s\n", file, line, condition);
    end();
}

void rt_panic(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_va(format, arguments);
    va_end(arguments);
    end();
}
