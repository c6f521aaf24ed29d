// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Memory and strings (string.h). The empty asm statements in loops keep the compiler from
// recognising a loop as the very function that it is in, and calling that.
#include "lib/rt/string.h"

// Eight bytes at any address, of any type.
typedef u64 __attribute__((may_alias, aligned(1))) any_u64;
typedef u32 __attribute__((may_alias, aligned(1))) any_u32;
typedef u16 __attribute__((may_alias, aligned(1))) any_u16;

enum { REP_MIN = 64 }; // bytes from which on `rep` pays

#define U64(p) (*(any_u64 *)(p))
#define U32(p) (*(any_u32 *)(p))
#define U16(p) (*(any_u16 *)(p))

// Up to 16 bytes: all is read before anything is written, so that ranges may overlap.
static inline __attribute__((always_inline)) void copy_small(char *to, const char *from,
                                                             size_t bytes)
{
    if (bytes >= 8) {
        u64 first = U64(from), last = U64(from + bytes - 8);
        U64(to) = first;
        U64(to + bytes - 8) = last;
    } else if (bytes >= 4) {
        u32 first = U32(from), last = U32(from + bytes - 4);
        U32(to) = first;
        U32(to + bytes - 4) = last;
    } else if (bytes >= 2) {
        u16 first = U16(from), last = U16(from + bytes - 2);
        U16(to) = first;
        U16(to + bytes - 2) = last;
    } else if (bytes) {
        *to = *from;
    }
}

// Ascending, more than 16 bytes. With an overlap `to` must be below `from`.
static inline __attribute__((always_inline)) void copy_up(char *to, const char *from, size_t bytes)
{
    u64 last = U64(from + bytes - 8);
    char *end = to + bytes - 8;
    if (bytes >= REP_MIN) {
        size_t words = (bytes - 1) / 8;
        __asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
    } else {
        while (to < end) {
            U64(to) = U64(from);
            to += 8;
            from += 8;
            __asm__ volatile("" : "+r"(to), "+r"(from));
        }
    }
    U64(end) = last;
}

void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
    if (bytes <= 16)
        copy_small(to, from, bytes);
    else
        copy_up(to, from, bytes);
    return to;
}

void *memmove(void *to, const void *from, size_t bytes)
{
    char *t = to;
    const char *f = from;
    if (bytes <= 16) {
        copy_small(t, f, bytes);
    } else if ((word_t)t - (word_t)f >= bytes) { // `to` is not inside the source
        copy_up(t, f, bytes);
    } else if (t != f) {
        u64 first = U64(f);
        for (size_t left = bytes; left > 8;) {
            left -= 8;
            U64(t + left) = U64(f + left);
            __asm__ volatile("" : "+r"(left));
        }
        U64(t) = first;
    }
    return to;
}

void *memset(void *to, int byte, size_t bytes)
{
    char *t = to;
    u64 value = (u8)byte * 0x0101010101010101ul;
    if (bytes < 8) {
        for (size_t i = 0; i < bytes; i++) {
            t[i] = (char)byte;
            __asm__ volatile("" : "+r"(i));
        }
        return to;
    }
    U64(t + bytes - 8) = value;
    size_t words = (bytes - 1) / 8;
    if (bytes >= REP_MIN) {
        __asm__ volatile("rep stosq" : "+D"(t), "+c"(words) : "a"(value) : "memory");
        return to;
    }
    for (size_t i = 0; i < words; i++) {
        U64(t + 8 * i) = value;
        __asm__ volatile("" : "+r"(i));
    }
    return to;
}

int memcmp(const void *a, const void *b, size_t bytes)
{
    const u8 *p = a, *q = b;
    size_t i = 0;
    while (i + 8 <= bytes && U64(p + i) == U64(q + i))
        i += 8;
    for (; i < bytes; i++) {
        if (p[i] != q[i])
            return p[i] - q[i];
    }
    return 0;
}

void *memchr(const void *bytes, int byte, size_t length)
{
    const u8 *p = bytes;
    for (size_t i = 0; i < length; i++) {
        if (p[i] == (u8)byte)
            return (void *)(p + i);
    }
    return NULL;
}

size_t strlen(const char *string)
{
    size_t length = 0;
    while (string[length]) {
        length++;
        __asm__ volatile("" : "+r"(length));
    }
    return length;
}

size_t strnlen(const char *string, size_t limit)
{
    size_t length = 0;
    while (length < limit && string[length])
        length++;
    return length;
}

int strcmp(const char *a, const char *b)
{
    size_t i = 0;
    while (a[i] == b[i] && a[i]) {
        i++;
        __asm__ volatile("" : "+r"(i)); // one index, not two pointers
    }
    return (u8)a[i] - (u8)b[i];
}

int strncmp(const char *a, const char *b, size_t limit)
{
    for (size_t i = 0; i < limit; i++) {
        if (a[i] != b[i] || !a[i])
            return (u8)a[i] - (u8)b[i];
    }
    return 0;
}

char *strchr(const char *string, int character)
{
    for (;; string++) {
        if (*string == (char)character)
            return (char *)string;
        if (!*string)
            return NULL;
    }
}

size_t strlcpy(char *to, const char *from, size_t size)
{
    size_t length = strlen(from);
    if (size) {
        size_t copied = length < size ? length : size - 1;
        memcpy(to, from, copied);
        to[copied] = 0;
    }
    return length;
}
