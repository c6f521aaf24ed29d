// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Boot options (options.h).
#include "sigma0/options.h"
#include "lib/rt/start.h"
#include "lib/rt/string.h"

static bool value_listed(const char *at, const char *end, const char *value, size_t length)
{
    while (at < end) {
        const char *comma = at;
        while (comma < end && *comma != ',')
            comma++;
        if ((size_t)(comma - at) == length && memcmp(at, value, length) == 0)
            return true;
        at = comma + 1;
    }
    return false;
}

bool option_is(const char *name, const char *value)
{
    const char *at = hip()->cmdline, *end = at + strnlen(at, sizeof(hip()->cmdline));
    size_t name_length = strlen(name), value_length = strlen(value);
    while (at < end) {
        const char *space = at;
        while (space < end && *space != ' ')
            space++;
        if ((size_t)(space - at) > name_length && memcmp(at, name, name_length) == 0 &&
            at[name_length] == '=' &&
            value_listed(at + name_length + 1, space, value, value_length))
            return true;
        at = space + 1;
    }
    return false;
}
