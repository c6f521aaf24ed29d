// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Formatted text. Conversions: %d %i %u %x %X %o %c %s %p %%, with flags - 0 + space #, width,
// precision (also *), lengths hh h l ll z j t. Output goes to a buffer or to the sink that the
// environment has set.
#pragma once

#include <stdarg.h>
#include <tessera/types.h>

// Where print() puts text; NULL (at start) drops it. Called with at most 256 bytes at a time, whole
// lines if they fit.
extern void (*rt_print)(const char *text, size_t length);

#define PRINTF_LIKE(at, first) __attribute__((format(printf, at, first)))

void print(const char *format, ...) PRINTF_LIKE(1, 2);
void print_va(const char *format, va_list arguments) PRINTF_LIKE(1, 0);
// Into `buffer`, always terminated if size > 0. Returns the length that the whole text has
// (snprintf's rule).
size_t text_format(char *buffer, size_t size, const char *format, ...) PRINTF_LIKE(3, 4);
size_t text_format_va(char *buffer, size_t size, const char *format, va_list arguments)
    PRINTF_LIKE(3, 0);
