// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Where things are when a program starts: selectors and addresses
// (000_7d6c79716bf8d028.txt, last paragraph; 001_5c4c3d5892c9ef36.txt, memory map).
#pragma once

#include <tessera/types.h>

typedef u32 sel_t;
#define SEL_NONE 0xffffffffu
#define SEL_LIMIT (1u << 18) // selectors in a space

// What a parent delegates to a child, 0x000–0x3ff.
enum initial_selector {
    SEL_EXC_BASE = 0x000,   // 32 exception portals for threads on the start CPU: base + vector
    SEL_PD = 0x020,         // the program's own PD
    SEL_EC = 0x021,         // its main thread
    SEL_SPACE = 0x022,      // its address space, a region map of sigma0's, if its parent gives it
    SEL_IDENTITY = 0x0ff,   // the identity semaphore the parent made for it
    SEL_PARENT = 0x100,     // + CPU: the parent's portals
    SEL_EXC_CPU = 0x200,    // + 32 * CPU: exception portals for threads on each CPU (0x200–0x3ff)
    SEL_FIRST_FREE = 0x400, // the program allocates from here
};

// The root PD (sigma0) is made by the kernel: SEL_PD with all rights, SEL_EC; nothing else.

#define IMAGE_BASE 0x0000000080000000ul // ELF image; below it is left to foreign images
#define HEAP_BASE 0x0000001000000000ul  // lib/rt allocates addresses from here
#define HEAP_END 0x0000006000000000ul
// Of a domain that sigma0's "pd" service makes: where its stack area and linker area are attached.
#define STACK_AREA_BASE 0x0000700000000000ul
#define LINKER_AREA_BASE 0x0000710000000000ul
#define AREA_SIZE 0x40000000ul         // of each
#define STACK_TOP 0x00007fffffff0000ul // main thread's stack ends here
#define STACK_SIZE 0x10000ul
#define UTCB_ADDR 0x00007fffffffd000ul // main thread's UTCB
#define HIP_ADDR 0x00007fffffffe000ul
