// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// A reader of cpio archives (newc, "070701"), for archives that are not trusted: all sizes and
// offsets are checked, nothing is allocated or written. The boot archive's file contents are page
// aligned (tools/mkarchive).
#pragma once

#include <tessera/error.h>

struct archive {
    const u8 *image;
    size_t size;
};

struct archive_file {
    const char *name; // terminated, in the image
    const u8 *data;
    u64 offset; // of data in the image
    u64 size;
    u64 next; // where archive_next goes on; 0 in the beginning
};

static inline void archive_open(struct archive *archive, const void *image, size_t size)
{
    *archive = (struct archive){(const u8 *)image, size};
}

// Goes to the next regular entry; start with a zeroed `file`. ENOTFOUND at the end, EPARAM if the
// archive is malformed there.
MUST_CHECK error_t archive_next(const struct archive *archive, struct archive_file *file);
// Finds a file by its exact name. ENOTFOUND, EPARAM.
MUST_CHECK error_t archive_find(const struct archive *archive, const char *name,
                                struct archive_file *file);
