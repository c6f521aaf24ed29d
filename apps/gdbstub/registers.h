// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The registers of x86-64 as gdb numbers them, by the description that we give it
// (qXfer:features:read): names and sizes follow gdb's features org.gnu.gdb.i386.core and .segments.
// The kernel shows no segment selectors and no FPU state: those have no place and read as
// unavailable.
#pragma once

#include <tessera/utcb.h>

enum { GDB_NO_PLACE = -1 };

struct gdb_register {
    const char *name, *type;
    u8 bits;
    int place; // byte offset in struct exc_state
    u8 mtd;    // what it belongs to
};

extern const struct gdb_register gdb_registers[];
extern const unsigned gdb_register_count;
// Registers that a stop reply tells at once: stack pointer, frame pointer, instruction pointer.
enum { GDB_RBP = 6, GDB_RSP = 7, GDB_RIP = 16 };

// Writes bytes [offset, offset + size) of the target description into `text`; returns how many
// there are; *more tells whether there is more behind them.
size_t gdb_description(u64 offset, char *text, size_t size, bool *more);
