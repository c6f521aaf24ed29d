// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What who looks into attachee's memory finds there, and may have it do.
#pragma once

#include <tessera/types.h>

enum attachee_order { ORDER_NONE, ORDER_LEAVE, ORDER_KILL_DEBUGGER, ORDER_KILL_US, ORDER_DONE };
enum { ATTACHEE_EXIT_CODE = 7 };

#define ATTACHEE_MAGIC 0x5e1f700d5e1f900dul
// Lies somewhere in its data, aligned to 8 bytes: the magic number, its complement, and addresses
// of 64-bit variables. It is there as soon as both threads are.
struct attachee_map {
    word_t magic[2];
    word_t rounds, ticks, order, bad;
};
