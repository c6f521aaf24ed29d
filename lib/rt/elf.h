// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// A reader of ELF64 executables for x86-64, for loaders that do not trust the file: every offset
// and sum is checked, nothing is allocated, nothing is written.
#pragma once

#include <tessera/error.h>

enum { ELF_X = 1, ELF_W = 2, ELF_R = 4 }; // segment flags, as in the file

struct elf_segment {
    u64 address;      // in memory, page aligned down by elf_segment's check of congruence
    u64 memory_bytes; // > 0, >= file_bytes; address + memory_bytes <= USER_END
    const u8 *data;   // in the image
    u64 offset,
        file_bytes; // offset of data in the image; congruent to address modulo the page size
    unsigned flags; // ELF_X | ELF_W | ELF_R; never W and X
};

struct elf {
    const u8 *image;
    size_t size;
    u64 entry;
    unsigned count; // PT_LOAD segments
    u64 table;      // offset of program headers
    unsigned table_count;
    const char *fault; // what was wrong, for a person, when elf_open failed
};

// Checks the whole file: header, all PT_LOAD segments (inside the file, below USER_END, ascending,
// no two in one page, not writable and executable at once, congruent offsets) and that the entry
// lies in an executable one. EPARAM with elf->fault set. Keeps a pointer to `image`, which must not
// change meanwhile.
MUST_CHECK error_t elf_open(struct elf *elf, const void *image, size_t size);
// The index-th PT_LOAD segment (0 to count - 1). ENOTFOUND.
MUST_CHECK error_t elf_segment(const struct elf *elf, unsigned index, struct elf_segment *segment);
