// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The register table and its description in XML (registers.h). Places in the FPU's state: SDM 1,
// table 10-2.
#include "apps/gdbstub/registers.h"
#include "lib/rt/print.h"
#include "lib/rt/string.h"

enum { AT_STATUS = 2, AT_TAGS = 4, AT_STACK = 32, AT_XMM = 160, SLOT = 16 };

#define REGISTER(name, type, bits, bytes, place, bank, feature, group)                             \
    {                                                                                              \
#name, type, bits, bytes, place, bank, feature, group                                      \
    }
#define STATE(name, type, feature, group)                                                          \
    REGISTER(name, type, 64, 8, offsetof(struct exc_state, name), GDB_STATE, feature, group)
#define GENERAL(name, group) STATE(name, "int64", GDB_CORE, group)
#define SEGMENT(name) REGISTER(name, "int32", 32, 0, 0, GDB_NOWHERE, GDB_CORE, 0)
#define STACK(n) REGISTER(st##n, "i387_ext", 80, 10, AT_STACK + SLOT * (n), GDB_FPU, GDB_CORE, 0)
#define CONTROL(name, bytes, place) REGISTER(name, "int", 32, bytes, place, GDB_FPU, GDB_CORE, 0)
#define XMM(n) REGISTER(xmm##n, "vec128", 128, 16, AT_XMM + SLOT * (n), GDB_FPU, GDB_SSE, 0)

const struct gdb_register gdb_registers[] = {
    GENERAL(rax, MTD_GPR_ACDB),
    GENERAL(rbx, MTD_GPR_ACDB),
    GENERAL(rcx, MTD_GPR_ACDB),
    GENERAL(rdx, MTD_GPR_ACDB),
    GENERAL(rsi, MTD_GPR_BSD),
    GENERAL(rdi, MTD_GPR_BSD),
    STATE(rbp, "data_ptr", GDB_CORE, MTD_GPR_BSD),
    STATE(rsp, "data_ptr", GDB_CORE, MTD_RSP),
    GENERAL(r8, MTD_GPR_R8),
    GENERAL(r9, MTD_GPR_R8),
    GENERAL(r10, MTD_GPR_R8),
    GENERAL(r11, MTD_GPR_R8),
    GENERAL(r12, MTD_GPR_R8),
    GENERAL(r13, MTD_GPR_R8),
    GENERAL(r14, MTD_GPR_R8),
    GENERAL(r15, MTD_GPR_R8),
    STATE(rip, "code_ptr", GDB_CORE, MTD_RIP),
    REGISTER(eflags, "int32", 32, 4, offsetof(struct exc_state, rflags), GDB_STATE, GDB_CORE,
             MTD_RFLAGS),
    SEGMENT(cs),
    SEGMENT(ss),
    SEGMENT(ds),
    SEGMENT(es),
    SEGMENT(fs),
    SEGMENT(gs),
    STATE(fs_base, "int", GDB_SEGMENTS, MTD_FSGS),
    STATE(gs_base, "int", GDB_SEGMENTS, MTD_FSGS),
    STACK(0),
    STACK(1),
    STACK(2),
    STACK(3),
    STACK(4),
    STACK(5),
    STACK(6),
    STACK(7),
    CONTROL(fctrl, 2, 0),
    CONTROL(fstat, 2, AT_STATUS),
    REGISTER(ftag, "int", 32, 1, AT_TAGS, GDB_TAGS, GDB_CORE, 0),
    CONTROL(fiseg, 2, 12),
    CONTROL(fioff, 4, 8),
    CONTROL(foseg, 2, 20),
    CONTROL(fooff, 4, 16),
    CONTROL(fop, 2, 6),
    XMM(0),
    XMM(1),
    XMM(2),
    XMM(3),
    XMM(4),
    XMM(5),
    XMM(6),
    XMM(7),
    XMM(8),
    XMM(9),
    XMM(10),
    XMM(11),
    XMM(12),
    XMM(13),
    XMM(14),
    XMM(15),
    REGISTER(mxcsr, "int", 32, 4, 24, GDB_FPU, GDB_SSE, 0),
};
const unsigned gdb_register_count = ARRAY_SIZE(gdb_registers);

// What kind of number an 80-bit register of the FPU's stack holds: the FPU's own two bits (SDM 1,
// 8.1.7).
static unsigned tag_of(const u8 *number)
{
    enum { VALID, ZERO, SPECIAL };
    u64 significand;
    memcpy(&significand, number, sizeof(significand));
    unsigned exponent = (number[8] | number[9] << 8) & 0x7fff;
    if (!exponent && !significand)
        return ZERO;
    return exponent && exponent != 0x7fff && significand >> 63 ? VALID : SPECIAL;
}

// FXSAVE has one bit for each register, whether it holds anything; the tags are in the order of the
// registers, the stack in that of its top.
static unsigned tags(const u8 *fpu)
{
    enum { REGISTERS = 8, EMPTY = 3 };
    unsigned top = fpu[AT_STATUS + 1] >> 3 & 7, all = 0;
    for (unsigned i = 0; i < REGISTERS; i++) {
        const u8 *number = fpu + AT_STACK + SLOT * ((i + REGISTERS - top) % REGISTERS);
        all |= (fpu[AT_TAGS] >> i & 1 ? tag_of(number) : EMPTY) << 2 * i;
    }
    return all;
}

void gdb_register_get(const struct gdb_register *r, const void *bank, u8 *bytes)
{
    memset(bytes, 0, r->bits / 8);
    if (r->bank == GDB_TAGS) {
        unsigned all = tags(bank);
        bytes[0] = (u8)all;
        bytes[1] = (u8)(all >> 8);
    } else {
        memcpy(bytes, (const u8 *)bank + r->place, r->bytes);
    }
}

void gdb_register_put(const struct gdb_register *r, void *bank, const u8 *bytes)
{
    u8 *place = (u8 *)bank + r->place;
    if (r->bank != GDB_TAGS) {
        memcpy(place, bytes, r->bytes);
        return;
    }
    unsigned all = bytes[0] | (unsigned)bytes[1] << 8;
    *place = 0;
    for (unsigned i = 0; i < 8; i++)
        *place |= (u8)((all >> 2 * i & 3) != 3) << i;
}

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

static const struct {
    const char *name;
    const char *types; // that its registers need
} features[GDB_FEATURES] = {
    [GDB_CORE] = {"core", ""},
    [GDB_SEGMENTS] = {"segments", ""},
    [GDB_SSE] = {"sse", "<vector id=\"v4f\" type=\"ieee_single\" count=\"4\"/>"
                        "<vector id=\"v2d\" type=\"ieee_double\" count=\"2\"/>"
                        "<vector id=\"v16b\" type=\"int8\" count=\"16\"/>"
                        "<vector id=\"v8h\" type=\"int16\" count=\"8\"/>"
                        "<vector id=\"v4w\" type=\"int32\" count=\"4\"/>"
                        "<vector id=\"v2l\" type=\"int64\" count=\"2\"/>"
                        "<union id=\"vec128\"><field name=\"v4_float\" type=\"v4f\"/>"
                        "<field name=\"v2_double\" type=\"v2d\"/>"
                        "<field name=\"v16_int8\" type=\"v16b\"/>"
                        "<field name=\"v8_int16\" type=\"v8h\"/>"
                        "<field name=\"v4_int32\" type=\"v4w\"/>"
                        "<field name=\"v2_int64\" type=\"v2l\"/>"
                        "<field name=\"uint128\" type=\"uint128\"/></union>"},
};

size_t gdb_description(u64 offset, char *text, size_t size, bool *more)
{
    struct window w = {.offset = offset, .text = text, .size = size};
    char line[96];
    put(&w, "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\"><target>"
            "<architecture>i386:x86-64</architecture>");
    for (unsigned f = 0; f < GDB_FEATURES; f++) {
        text_format(line, sizeof(line), "<feature name=\"org.gnu.gdb.i386.%s\">", features[f].name);
        put(&w, line);
        put(&w, features[f].types);
        for (unsigned i = 0; i < gdb_register_count; i++) {
            const struct gdb_register *r = &gdb_registers[i];
            text_format(line, sizeof(line),
                        "<reg name=\"%s\" bitsize=\"%u\" type=\"%s\" regnum=\"%u\"/>", r->name,
                        r->bits, r->type, i);
            put(&w, r->feature == f ? line : "");
        }
        put(&w, "</feature>");
    }
    put(&w, "</target>");
    *more = w.more;
    return w.used;
}
