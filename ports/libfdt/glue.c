// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What libfdt's objects call beside memory and strings.
#include "lib/rt/assert.h"
#include <tessera/types.h>

void __stack_chk_fail(void);
void __stack_chk_fail(void)
{
    rt_panic("libfdt: a stack frame was overwritten\n");
}

char *strrchr(const char *string, int character);
char *strrchr(const char *string, int character)
{
    const char *found = NULL;
    do {
        if (*string == (char)character)
            found = string;
    } while (*string++);
    return (char *)(word_t)found;
}
