// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// sigma0's services and its role as init's parent (services.c). Each service is a file with one
// struct server_ops; all but "pd" (pd.c) keep nothing that another needs.
#pragma once

#include "lib/service/parent.h"

// What labels begin with: init's name, below which everything is.
#define LABEL_ROOT "init"

extern const struct server_ops log_ops, rom_ops, pd_ops, cpu_ops, io_port_ops, irq_ops, io_mem_ops,
    rm_ops, trace_ops;

// Starts the parent role and all services. Without them there is no system: a failure ends the
// boot.
void services_start(void);
// Enters init as a client. Returns the first of its portals, one a CPU.
sel_t services_add_init(void);

// The session arguments' numbers, as in C, separated by commas. Reads up to `max`, returns how
// many; 0 if malformed. What follows the numbers stands at *rest ("" if nothing).
unsigned args_numbers(const char *args, u64 *out, unsigned max, const char **rest);
// The number that `key` ("name=") has at the beginning of `args`; false if another key is there or
// no number.
bool args_value(const char *args, const char *key, u64 *out);

// cpu.c: enters a scheduling context that sigma0 made itself (init's) into the statistics.
void cpu_enter(sel_t sc, const char *name, unsigned cpu, unsigned priority);
