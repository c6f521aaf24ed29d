// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Descriptor tables of one CPU: GDT, TSS with its I/O bitmap and interrupt stacks, and the common
// IDT.
#pragma once

#define KERNEL_CS 0x08
#define KERNEL_DS 0x10
#define USER_DS 0x1b // sysret wants data before code
#define USER_CS 0x23
#define TSS_SELECTOR 0x28

#ifndef __ASSEMBLER__
#include <tessera/types.h>

struct cpu;

// Builds and loads the tables for this CPU, sets the GS base to `cpu` and the syscall registers.
void segments_init(struct cpu *cpu);
void segments_copy_ports(struct cpu *cpu, const u8 *low, const u8 *high);
void segments_enable_ports(struct cpu *cpu, bool enable);
#endif
