// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Memory and strings, with the C library's names since the compiler itself calls some of them.
// Short copies go by overlapping words, long ones by `rep movsq`: on the emulator that we measure
// with a step of it counts as one instruction, a loop's step as two or more, and processors do it
// by cache lines.
#pragma once

#include <tessera/types.h>

void *memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int byte, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);
void *memchr(const void *bytes, int byte, size_t length);
size_t strlen(const char *string);
size_t strnlen(const char *string, size_t limit);
int strcmp(const char *a, const char *b);
// Whether two strings are equal. Most that are compared differ in their first byte.
static inline bool string_same(const char *a, const char *b)
{
    return *a == *b && !strcmp(a, b);
}
int strncmp(const char *a, const char *b, size_t limit);
char *strchr(const char *string, int character);
// Copies a string that may be cut, always terminated if size > 0. Returns strlen(from): cut if that
// is >= size.
size_t strlcpy(char *to, const char *from, size_t size);
