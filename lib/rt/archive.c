// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The cpio reader (archive.h). A newc entry: 6 characters of magic, 13 fields of 8 hexadecimal
// digits, the name with its zero, padding to 4 bytes, the data, padding to 4 bytes. Entries that
// are no regular files are passed over.
#include "lib/rt/archive.h"
#include "lib/rt/string.h"

enum { HEADER = 110, FIELDS_AT = 6, FIELD_DIGITS = 8, ALIGNMENT = 4 };
enum { FIELD_MODE = 1, FIELD_SIZE = 6, FIELD_NAME_SIZE = 11 };
enum { MODE_TYPE = 0170000, MODE_REGULAR = 0100000 };

static const char trailer[] = "TRAILER!!!";

static int digit(u8 c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool field(const u8 *header, unsigned index, u64 *value)
{
    const u8 *text = header + FIELDS_AT + index * FIELD_DIGITS;
    *value = 0;
    for (unsigned i = 0; i < FIELD_DIGITS; i++) {
        int d = digit(text[i]);
        if (d < 0)
            return false;
        *value = *value << 4 | (unsigned)d;
    }
    return true;
}

// Reads the entry at file->next, whatever it is, and moves file->next behind it.
static error_t read_entry(const struct archive *a, struct archive_file *file, u64 *mode)
{
    u64 at = file->next, name_size;
    if (at > a->size || a->size - at < HEADER)
        return EPARAM;
    const u8 *header = a->image + at;
    if (memcmp(header, "070701", FIELDS_AT) || !field(header, FIELD_MODE, mode) ||
        !field(header, FIELD_SIZE, &file->size) || !field(header, FIELD_NAME_SIZE, &name_size))
        return EPARAM;
    u64 name_at = at + HEADER;
    if (!name_size || name_size > a->size - name_at || !memchr(a->image + name_at, 0, name_size))
        return EPARAM;
    file->name = (const char *)a->image + name_at;
    file->offset = ALIGN_UP(name_at + name_size, ALIGNMENT);
    if (!strcmp(file->name, trailer))
        return ENOTFOUND;
    if (file->offset > a->size || file->size > a->size - file->offset)
        return EPARAM;
    file->data = a->image + file->offset;
    file->next = ALIGN_UP(file->offset + file->size, ALIGNMENT);
    return SUCCESS;
}

error_t archive_next(const struct archive *archive, struct archive_file *file)
{
    u64 mode;
    error_t error;
    do {
        error = read_entry(archive, file, &mode);
    } while (!error && (mode & MODE_TYPE) != MODE_REGULAR);
    return error;
}

error_t archive_find(const struct archive *archive, const char *name, struct archive_file *file)
{
    error_t error;
    *file = (struct archive_file){0};
    do {
        error = archive_next(archive, file);
    } while (!error && strcmp(file->name, name));
    return error;
}
