// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What the parts of gdb_command have of each other: commands.c finds out which packet it is and
// answers those about threads and the target, access.c those about registers and memory, stops.c
// those by which the program goes on. A command gets what follows its letter.
#pragma once

#include "apps/gdbstub/reply.h"

typedef void gdb_command_t(struct gdb *gdb, struct cursor *c);

// access.c: g, G, p, P, m, M, X, Z, z.
gdb_command_t gdb_read_registers, gdb_write_registers, gdb_read_register, gdb_write_register,
    gdb_read_memory, gdb_write_memory, gdb_write_binary, gdb_set_breakpoint, gdb_clear_breakpoint;
// Into a stop reply: those registers of the stopped thread that gdb would ask for next.
void reply_expedited(struct gdb *gdb);

// stops.c: c and s, C and S, vCont, ?.
gdb_command_t gdb_go, gdb_go_with_signal, gdb_continue_threads, gdb_why_stopped;

// commands.c. Whose registers are meant: as gdb chose, else the one that stopped, else any; 0 if
// there is none.
u64 gdb_general_thread(const struct gdb *gdb);
