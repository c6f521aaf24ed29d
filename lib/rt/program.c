// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Loading a program into another protection domain (program.h).
#include "lib/rt/program.h"
#include "lib/rt/range.h"
#include "lib/rt/start.h"
#include "lib/rt/string.h"

static bool is_shared(const struct elf_segment *s, bool copy_all)
{
    return !copy_all && !(s->flags & ELF_W) && s->memory_bytes == s->file_bytes;
}

static u64 segment_bytes(const struct elf_segment *s)
{
    return ALIGN_UP(s->address + s->memory_bytes, PAGE_SIZE) - ALIGN_DOWN(s->address, PAGE_SIZE);
}

u64 program_bytes(const struct elf *elf, bool copy_all)
{
    u64 bytes = STACK_SIZE + PAGE_SIZE; // stack, HIP
    for (unsigned i = 0; i < elf->count; i++) {
        struct elf_segment s;
        if (!elf_segment(elf, i, &s) && !is_shared(&s, copy_all))
            bytes += segment_bytes(&s);
    }
    return bytes;
}

static error_t give(sel_t pd, const struct program_memory *memory, const void *from, u64 to,
                    u64 bytes, unsigned rights)
{
    if (memory->give)
        return memory->give(memory->context, from, to, bytes, rights);
    return range_delegate(pd, CRD_MEM, (u64)from / PAGE_SIZE, to / PAGE_SIZE, bytes / PAGE_SIZE,
                          rights);
}

static error_t segment_map(sel_t pd, const struct elf_segment *s,
                           const struct program_memory *memory)
{
    u64 start = ALIGN_DOWN(s->address, PAGE_SIZE), bytes = segment_bytes(s);
    unsigned rights = (s->flags & ELF_R ? MEM_R : 0) | (s->flags & ELF_W ? MEM_W : 0) |
                      (s->flags & ELF_X ? MEM_X : 0);
    if (is_shared(s, memory->copy_all))
        return give(pd, memory, (const void *)ALIGN_DOWN((u64)s->data, PAGE_SIZE), start, bytes,
                    rights);
    char *own = memory->alloc(memory->context, bytes);
    if (!own)
        return EMEM;
    memcpy(own + (s->address - start), s->data, s->file_bytes);
    return give(pd, memory, own, start, bytes, rights);
}

// A program asks services for memory and modules; its HIP tells only what the machine can do.
static error_t hip_map(sel_t pd, const struct program_memory *memory)
{
    struct hip *copy = memory->alloc(memory->context, PAGE_SIZE);
    if (!copy)
        return EMEM;
    *copy = *hip();
    copy->archive_base = copy->archive_size = 0;
    copy->memory_count = 0;
    memset(copy->memory, 0, sizeof(copy->memory));
    return give(pd, memory, copy, HIP_ADDR, PAGE_SIZE, MEM_R);
}

error_t program_map(sel_t pd, const struct elf *elf, const struct program_memory *memory)
{
    error_t error = SUCCESS;
    for (unsigned i = 0; i < elf->count && !error; i++) {
        struct elf_segment segment;
        error = elf_segment(elf, i, &segment);
        if (!error)
            error = segment_map(pd, &segment, memory);
    }
    if (error)
        return error;
    char *stack = memory->alloc(memory->context, STACK_SIZE);
    if (!stack)
        return EMEM;
    error = give(pd, memory, stack, STACK_TOP - STACK_SIZE, STACK_SIZE, MEM_R | MEM_W);
    return error ? error : hip_map(pd, memory);
}

unsigned program_begin(struct exc_state *state, u64 entry, unsigned cpu)
{
    state->rip = entry;
    state->rsp = STACK_TOP;
    state->rdi = HIP_ADDR;
    state->rsi = cpu;
    state->rbp = 0;
    return MTD_RIP | MTD_RSP | MTD_GPR_BSD;
}
