// needs:
// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// lib/rt's string functions beside the C library's, over all small lengths, alignments and
// overlaps.
#include "test/host/check.h"
#include <string.h>

#define memcpy rt_memcpy
#define memmove rt_memmove
#define memset rt_memset
#define memcmp rt_memcmp
#define memchr rt_memchr
#define strlen rt_strlen
#define strnlen rt_strnlen
#define strcmp rt_strcmp
#define strncmp rt_strncmp
#define strchr rt_strchr
#define strlcpy rt_strlcpy
#include "lib/rt/string.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef memchr
#undef strlen
#undef strnlen
#undef strcmp
#undef strncmp
#undef strchr

enum { SPACE = 400, LENGTH = 150 };

static void same_sign(int a, int b)
{
    CHECK((a > 0) == (b > 0) && (a < 0) == (b < 0));
}

static void fill_random(char *a, char *b)
{
    for (unsigned i = 0; i < SPACE; i++)
        a[i] = b[i] = (char)random_next();
}

static void copies_are_exact(void)
{
    static char a[SPACE], b[SPACE], from[SPACE];
    for (unsigned length = 0; length < LENGTH; length++) {
        for (unsigned shift = 0; shift < 16; shift++) {
            fill_random(a, b);
            fill_random(from, from);
            CHECK(rt_memcpy(a + shift, from + shift / 2, length) == a + shift);
            memcpy(b + shift, from + shift / 2, length);
            CHECK(!memcmp(a, b, SPACE));
            rt_memset(a + shift, 0x80 + (int)length, length);
            memset(b + shift, 0x80 + (int)length, length);
            CHECK(!memcmp(a, b, SPACE));
        }
    }
}

static void moves_overlap_correctly(void)
{
    static char a[SPACE], b[SPACE];
    for (unsigned length = 0; length < LENGTH; length++) {
        for (int shift = -80; shift <= 80; shift++) {
            fill_random(a, b);
            rt_memmove(a + 100 + shift, a + 100, length);
            memmove(b + 100 + shift, b + 100, length);
            CHECK(!memcmp(a, b, SPACE));
        }
    }
}

static void comparisons_agree(void)
{
    char a[40], b[40];
    for (unsigned i = 0; i < 20000; i++) {
        for (unsigned k = 0; k < 40; k++) {
            a[k] = (char)(random_below(20) ? 'x' : random_next());
            b[k] = (char)(random_below(20) ? 'x' : random_next());
        }
        a[39] = b[39] = 0;
        size_t n = random_below(40);
        same_sign(rt_memcmp(a, b, n), memcmp(a, b, n));
        same_sign(rt_strcmp(a, b), strcmp(a, b));
        same_sign(rt_strncmp(a, b, n), strncmp(a, b, n));
        CHECK(rt_strlen(a) == strlen(a) && rt_strnlen(a, n) == strnlen(a, n));
        CHECK(rt_strchr(a, b[0]) == strchr(a, b[0]) && rt_strchr(a, 0) == strchr(a, 0));
        CHECK(rt_memchr(a, b[0], n) == memchr(a, b[0], n));
    }
}

static void strlcpy_cuts_and_terminates(void)
{
    char to[4] = "abc";
    CHECK(rt_strlcpy(to, "12345", sizeof(to)) == 5 && !strcmp(to, "123"));
    CHECK(rt_strlcpy(to, "", sizeof(to)) == 0 && !strcmp(to, ""));
    CHECK(rt_strlcpy(NULL, "xy", 0) == 2);
}

int main(void)
{
    RUN(copies_are_exact);
    RUN(moves_overlap_correctly);
    RUN(comparisons_agree);
    RUN(strlcpy_cuts_and_terminates);
    return check_failures != 0;
}
