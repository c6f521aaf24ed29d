// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The ELF64 reader (elf.h). System V ABI, chapters 4 and 5; AMD64 supplement. Fields are copied out
// of the image, for it may lie at any address, and never read twice.
#include "lib/rt/elf.h"
#include "lib/rt/string.h"

enum { ET_EXEC = 2, EM_X86_64 = 62, PT_LOAD = 1, PT_INTERP = 3, PT_DYNAMIC = 2, TABLE_MAX = 64 };

struct elf_header {
    u8 ident[16];
    u16 type, machine;
    u32 version;
    u64 entry, phoff, shoff;
    u32 flags;
    u16 ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};
_Static_assert(sizeof(struct elf_header) == 64, "as in the file");

struct program_header {
    u32 type, flags;
    u64 offset, vaddr, paddr, filesz, memsz, align;
};
_Static_assert(sizeof(struct program_header) == 56, "as in the file");

static error_t fault(struct elf *elf, const char *what)
{
    elf->fault = what;
    return EPARAM;
}

static struct program_header table_entry(const struct elf *elf, unsigned index)
{
    struct program_header p;
    memcpy(&p, elf->image + elf->table + index * sizeof(p), sizeof(p));
    return p;
}

static bool loadable(const struct program_header *p)
{
    return p->type == PT_LOAD && p->memsz > 0;
}

static error_t check_header(struct elf *elf)
{
    static const u8 ident[7] = {0x7f, 'E', 'L', 'F', 2 /* 64 bits */, 1 /* little endian */, 1};
    struct elf_header h;
    if (elf->size < sizeof(h))
        return fault(elf, "shorter than an ELF header");
    memcpy(&h, elf->image, sizeof(h));
    if (memcmp(h.ident, ident, sizeof(ident)))
        return fault(elf, "not a little-endian ELF64 file");
    if (h.machine != EM_X86_64)
        return fault(elf, "not for x86-64");
    if (h.type != ET_EXEC)
        return fault(elf, "not a statically linked executable (type EXEC)");
    if (h.phentsize != sizeof(struct program_header))
        return fault(elf, "program headers of an unknown size");
    if (h.phnum > TABLE_MAX)
        return fault(elf, "more than 64 program headers");
    if (h.phoff > elf->size || h.phnum * sizeof(struct program_header) > elf->size - h.phoff)
        return fault(elf, "program headers outside the file");
    elf->entry = h.entry;
    elf->table = h.phoff;
    elf->table_count = h.phnum;
    return SUCCESS;
}

// `*border`: the first address that a segment may begin at.
static error_t check_segment(struct elf *elf, const struct program_header *p, u64 *border)
{
    if (p->filesz > p->memsz)
        return fault(elf, "a segment is larger in the file than in memory");
    if (p->offset > elf->size || p->filesz > elf->size - p->offset)
        return fault(elf, "a segment is outside the file");
    if (p->vaddr >= USER_END || p->memsz > USER_END - p->vaddr)
        return fault(elf, "a segment is outside user memory");
    if ((p->vaddr ^ p->offset) & (PAGE_SIZE - 1))
        return fault(elf, "a segment's address and offset differ within the page");
    if (ALIGN_DOWN(p->vaddr, PAGE_SIZE) < *border)
        return fault(elf, "segments overlap, share a page, are out of order, or use page 0");
    if ((p->flags & ELF_W) && (p->flags & ELF_X))
        return fault(elf, "a segment is both writable and executable");
    if (!(p->flags & (ELF_R | ELF_W | ELF_X)))
        return fault(elf, "a segment without any right");
    *border = ALIGN_UP(p->vaddr + p->memsz, PAGE_SIZE);
    return SUCCESS;
}

error_t elf_open(struct elf *elf, const void *image, size_t size)
{
    *elf = (struct elf){.image = image, .size = size};
    u64 border = PAGE_SIZE;
    bool entry_found = false;
    error_t error = check_header(elf);
    for (unsigned i = 0; i < elf->table_count && !error; i++) {
        struct program_header p = table_entry(elf, i);
        if (p.type == PT_INTERP || p.type == PT_DYNAMIC)
            return fault(elf, "dynamically linked");
        if (!loadable(&p))
            continue;
        error = check_segment(elf, &p, &border);
        entry_found |= (p.flags & ELF_X) && elf->entry - p.vaddr < p.filesz;
        elf->count++;
    }
    if (!error && !entry_found)
        return fault(elf, "the entry point is not in an executable segment");
    return error;
}

error_t elf_segment(const struct elf *elf, unsigned index, struct elf_segment *segment)
{
    for (unsigned i = 0; i < elf->table_count; i++) {
        struct program_header p = table_entry(elf, i);
        if (!loadable(&p) || index--)
            continue;
        *segment = (struct elf_segment){.address = p.vaddr,
                                        .memory_bytes = p.memsz,
                                        .data = elf->image + p.offset,
                                        .offset = p.offset,
                                        .file_bytes = p.filesz,
                                        .flags = p.flags & (ELF_R | ELF_W | ELF_X)};
        return SUCCESS;
    }
    return ENOTFOUND;
}
