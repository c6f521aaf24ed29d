// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The registers of x86-64 as gdb numbers them, by the description that we give it
// (qXfer:features:read): names and sizes follow gdb's features org.gnu.gdb.i386.core, .segments and
// .sse. The kernel shows no segment selectors: they have no place and read as unavailable.
//
// The first GDB_G_REGISTERS are those of `g` and `G`. gdb asks for the others one by one, when
// somebody wants to see them: they take a call each, and most steps need none.
#pragma once

#include <tessera/utcb.h>

enum gdb_bank {
    GDB_NOWHERE,
    GDB_STATE, // struct exc_state
    GDB_FPU,   // struct fpu_state
    GDB_TAGS,  // likewise, but FXSAVE keeps them in short (SDM 1, 10.5.1.1)
};

enum gdb_feature { GDB_CORE, GDB_SEGMENTS, GDB_SSE, GDB_FEATURES };

struct gdb_register {
    const char *name, *type;
    u8 bits;
    u8 bytes;  // that the bank has of it; the rest is zero
    u16 place; // byte offset in its bank
    u8 bank, feature;
    u8 mtd; // GDB_STATE: what it belongs to
};

enum { GDB_REGISTER_BYTES = 16 }; // the most that one has
extern const struct gdb_register gdb_registers[];
extern const unsigned gdb_register_count;
// Registers that a stop reply tells at once: frame pointer, stack pointer, instruction pointer.
enum { GDB_RBP = 6, GDB_RSP = 7, GDB_RIP = 16, GDB_G_REGISTERS = 26 };

// A register's bytes out of its bank (struct exc_state or fpu_state), and into it. Not of those
// that are nowhere.
void gdb_register_get(const struct gdb_register *r, const void *bank, u8 *bytes);
void gdb_register_put(const struct gdb_register *r, void *bank, const u8 *bytes);

// Writes bytes [offset, offset + size) of the target description into `text`; returns how many
// there are; *more tells whether there is more behind them.
size_t gdb_description(u64 offset, char *text, size_t size, bool *more);
