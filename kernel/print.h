// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Formatted output for boot messages and panics. Nothing that a user does may print.
//
// Formats: %s %c %d %u %x %p %%, with `l` for 64-bit %ld %lu %lx; a width, `0` to pad with zeros,
// `-` to align left. Anything else is printed as it stands.
#pragma once

#include <stdarg.h>
#include <tessera/types.h>

// Prints to the serial port. Lines of several CPUs do not mix, but a CPU that holds the port for
// too long is not waited for.
void kprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));
void kvprintf(const char *format, va_list arguments);

// Formats into `buffer` of `size` bytes, always ended by a zero byte if `size` > 0. Returns the
// length that the whole text has.
size_t ksnprintf(char *buffer, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
