// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The register table and its description in XML (registers.h).
#include "apps/gdbstub/registers.h"
#include "lib/rt/print.h"
#include "lib/rt/string.h"

#define AT(field) ((int)offsetof(struct exc_state, field))
#define GENERAL(name, group)                                                                       \
    {                                                                                              \
#name, "int64", 64, AT(name), group                                                        \
    }
#define SEGMENT(name)                                                                              \
    {                                                                                              \
#name, "int32", 32, GDB_NO_PLACE, 0                                                        \
    }
#define STACK(name)                                                                                \
    {                                                                                              \
#name, "i387_ext", 80, GDB_NO_PLACE, 0                                                     \
    }
#define CONTROL(name)                                                                              \
    {                                                                                              \
#name, "int", 32, GDB_NO_PLACE, 0                                                          \
    }

const struct gdb_register gdb_registers[] = {
    GENERAL(rax, MTD_GPR_ACDB),
    GENERAL(rbx, MTD_GPR_ACDB),
    GENERAL(rcx, MTD_GPR_ACDB),
    GENERAL(rdx, MTD_GPR_ACDB),
    GENERAL(rsi, MTD_GPR_BSD),
    GENERAL(rdi, MTD_GPR_BSD),
    {"rbp", "data_ptr", 64, AT(rbp), MTD_GPR_BSD},
    {"rsp", "data_ptr", 64, AT(rsp), MTD_RSP},
    GENERAL(r8, MTD_GPR_R8),
    GENERAL(r9, MTD_GPR_R8),
    GENERAL(r10, MTD_GPR_R8),
    GENERAL(r11, MTD_GPR_R8),
    GENERAL(r12, MTD_GPR_R8),
    GENERAL(r13, MTD_GPR_R8),
    GENERAL(r14, MTD_GPR_R8),
    GENERAL(r15, MTD_GPR_R8),
    {"rip", "code_ptr", 64, AT(rip), MTD_RIP},
    {"eflags", "int32", 32, AT(rflags), MTD_RFLAGS},
    SEGMENT(cs),
    SEGMENT(ss),
    SEGMENT(ds),
    SEGMENT(es),
    SEGMENT(fs),
    SEGMENT(gs),
    STACK(st0),
    STACK(st1),
    STACK(st2),
    STACK(st3),
    STACK(st4),
    STACK(st5),
    STACK(st6),
    STACK(st7),
    CONTROL(fctrl),
    CONTROL(fstat),
    CONTROL(ftag),
    CONTROL(fiseg),
    CONTROL(fioff),
    CONTROL(foseg),
    CONTROL(fooff),
    CONTROL(fop),
    {"fs_base", "int", 64, AT(fs_base), MTD_FSGS},
    {"gs_base", "int", 64, AT(gs_base), MTD_FSGS},
};
const unsigned gdb_register_count = ARRAY_SIZE(gdb_registers);

// A window of a text that is written from its beginning.
struct window {
    u64 at, offset;
    char *text;
    size_t size, used;
    bool more;
};

static void put(struct window *w, const char *line)
{
    for (; *line; line++, w->at++) {
        if (w->at < w->offset)
            continue;
        if (w->used == w->size)
            w->more = true;
        else
            w->text[w->used++] = *line;
    }
}

size_t gdb_description(u64 offset, char *text, size_t size, bool *more)
{
    struct window w = {.offset = offset, .text = text, .size = size};
    char line[96];
    put(&w, "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\"><target>"
            "<architecture>i386:x86-64</architecture><feature name=\"org.gnu.gdb.i386.core\">");
    for (unsigned i = 0; i < gdb_register_count; i++) {
        const struct gdb_register *r = &gdb_registers[i];
        if (!strcmp(r->name, "fs_base"))
            put(&w, "</feature><feature name=\"org.gnu.gdb.i386.segments\">");
        text_format(line, sizeof(line), "<reg name=\"%s\" bitsize=\"%u\" type=\"%s\"/>", r->name,
                    r->bits, r->type);
        put(&w, line);
    }
    put(&w, "</feature></target>");
    *more = w.more;
    return w.used;
}
