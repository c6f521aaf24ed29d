// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Session arguments and responses that several services need (services.h).
#include "lib/rt/string.h"
#include "sigma0/services.h"

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
        return (c | 0x20) - 'a' + 10;
    return 16;
}

// Reads one number; false if there is none or it does not fit.
static bool number(const char **at, u64 *out)
{
    const char *s = *at;
    u64 base = s[0] == '0' && (s[1] | 0x20) == 'x' ? 16 : 10, value = 0;
    s += base == 16 ? 2 : 0;
    const char *first = s;
    for (; (u64)digit(*s) < base; s++) {
        if (__builtin_mul_overflow(value, base, &value) ||
            __builtin_add_overflow(value, (u64)digit(*s), &value))
            return false;
    }
    *at = s;
    *out = value;
    return s > first;
}

bool args_value(const char *args, const char *key, u64 *out)
{
    size_t length = strlen(key);
    if (strncmp(args, key, length))
        return false;
    args += length;
    return number(&args, out) && (!*args || *args == ',');
}

unsigned args_numbers(const char *args, u64 *out, unsigned max, const char **rest)
{
    unsigned count = 0;
    while (count < max && number(&args, &out[count])) {
        count++;
        if (*args != ',')
            break;
        args++;
    }
    *rest = args;
    return count;
}
