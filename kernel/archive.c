// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Reading the boot archive (archive.h). Every length is checked against what is left.
#include "kernel/archive.h"

enum { HEADER = 110, FIELD_SIZE = 6 + 6 * 8, FIELD_NAME_SIZE = 6 + 11 * 8 };

static bool hex_field(const char *at, u64 *value)
{
    *value = 0;
    for (unsigned i = 0; i < 8; i++) {
        unsigned c = (unsigned char)at[i];
        unsigned digit = c >= '0' && c <= '9'                 ? c - '0'
                         : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                              : 16;
        if (digit > 15)
            return false;
        *value = *value << 4 | digit;
    }
    return true;
}

static bool name_equal(const char *a, u64 a_size, const char *b)
{
    for (u64 i = 0; i < a_size; i++) {
        if (a[i] != b[i])
            return false;
        if (!a[i])
            return true;
    }
    return false;
}

const void *archive_find(const void *archive, u64 size, const char *name, u64 *length)
{
    const char *start = archive;
    for (u64 at = 0; size - at >= HEADER;) {
        const char *header = start + at;
        u64 file_size, name_size;
        if (__builtin_memcmp(header, "070701", 6) || !hex_field(header + FIELD_SIZE, &file_size) ||
            !hex_field(header + FIELD_NAME_SIZE, &name_size))
            return NULL;
        u64 data = ALIGN_UP(at + HEADER + name_size, 4);
        if (data > size || file_size > size - data)
            return NULL;
        if (name_equal(header + HEADER, name_size, name)) {
            *length = file_size;
            return start + data;
        }
        at = ALIGN_UP(data + file_size, 4);
        if (at > size)
            return NULL;
    }
    return NULL;
}
