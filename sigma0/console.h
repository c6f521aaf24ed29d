// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Where all log lines of the machine meet: a ring that keeps the latest, and the polled serial port
// for as long as nobody else has it.
#pragma once

#include "lib/log/ring.h"

// Takes the I/O ports from the kernel and makes the port ready; print() goes here from now on,
// labelled "sigma0".
void console_init(void);
// Adds text of one source; only whole lines go out, in one piece.
void console_write(struct log_line *line, const char *text, size_t length);
// Ends an unfinished line.
void console_finish(struct log_line *line);
// Reads the ring (log_ring_read).
// A reader has shown everything before `position`: its next life need not.
void console_printed(u64 position);
// Calls `function` after lines have come, outside the lock.
void console_watch(void (*function)(void));
size_t console_read(u64 *position, char *out, size_t size);
// Called when COM1's ports go to a driver (true), and when they come back.
void console_yield(bool yielded);
