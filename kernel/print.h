// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Formatted output for boot messages and panics. Nothing that a user does may print.
//
// Formats, and no others: %s, %p, %u and %x, with `l` for 64 bits; a width pads with zeros.
#pragma once

#include <stdarg.h>
#include <tessera/types.h>

// Prints to the serial port. Lines of several CPUs do not mix, but a CPU that holds the port for
// too long is not waited for.
void kprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));
void kvprintf(const char *format, va_list arguments);
