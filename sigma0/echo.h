// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What sigma0 takes from the kernel: physical memory, I/O ports, interrupt semaphores. Such things
// move only during IPC, so sigma0 calls itself: the caller opens a window and calls an echo portal
// of its CPU, whose handler does nothing but reply, and the typed items of that reply, marked
// ITEM_KERNEL, land in the window (000_7d6c79716bf8d028.txt, map_self). It cannot happen in the
// call, since then the window would be the handler's.
#pragma once

#include "lib/rt/hypercall.h"

// Makes the echo EC and portal of a CPU at `ec` and `pt`; `lock_sm` is where its lock's semaphore
// will be. The handler needs no stack; `utcb` is its UTCB's place and `sp` the end of the stack
// that other portals into that EC will run on.
void echo_create(unsigned cpu, sel_t ec, sel_t pt, sel_t lock_sm, word_t utcb, word_t sp);

// Takes [from, from + count) of the kernel's pages, ports or interrupts to `to` in sigma0's own
// space. `flags`: ITEM_UNCACHED, ITEM_WRITE_COMBINE. Nothing may stand at the destination. Errors:
// EPARAM (the kernel keeps part of that, or does not have it), and the kernel's. What arrived
// before an error stays.
MUST_CHECK error_t echo_take(enum crd_kind kind, u64 from, u64 to, u64 count, unsigned rights,
                             unsigned flags);
