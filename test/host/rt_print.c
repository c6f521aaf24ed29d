// needs: lib/rt/print.c
// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Formatted print beside the C library's printf: fixed formats, then random flags, widths and
// values.
#include "lib/rt/print.h"
#include "test/host/check.h"
#include <limits.h>
#include <string.h>

#pragma GCC diagnostic ignored "-Wformat"
#pragma GCC diagnostic ignored "-Wformat-security"
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-truncation"

#define SAME(...)                                                                                  \
    do {                                                                                           \
        char ours[300], theirs[300];                                                               \
        size_t n = text_format(ours, sizeof(ours), __VA_ARGS__);                                   \
        int m = snprintf(theirs, sizeof(theirs), __VA_ARGS__);                                     \
        if (n != (size_t)m || strcmp(ours, theirs)) {                                              \
            printf("  '%s' is not '%s'\n", ours, theirs);                                          \
            check_failures++;                                                                      \
        }                                                                                          \
    } while (0)

static void fixed_formats_agree(void)
{
    SAME("plain");
    SAME("%d %i %u %x %X %o", -5, INT_MIN, UINT_MAX, 0xbeef, 0xBEEF, 0777);
    SAME("%ld %lu %lx %zu %jd %lld %llx", LONG_MIN, ULONG_MAX, ULONG_MAX, (size_t)7, (intmax_t)-1,
         LLONG_MIN, ~0ull);
    SAME("%hhd %hd %hhu %hx", 300, 70000, 300, 70000);
    SAME("%c%c%%", 'a', 'b');
    SAME("[%5s] [%-5s] [%.2s] [%-7.3s]", "ab", "ab", "abc", "abcdef");
    SAME("%p", (void *)0x1234);
    SAME("[%*d] [%-*d] [%*d] [%.*s]", 6, 1, 6, 2, -6, 3, 2, "abc");
    SAME("%#x %#o %#x", 255, 8, 0);
    SAME("%.0d|%.0u|%5.0d", 0, 0, 0);
}

static void random_formats_agree(void)
{
    static const char flags[] = "-+ 0#", conversions[] = "diuxXo";
    for (unsigned i = 0; i < 100000; i++) {
        char format[40] = "%";
        size_t at = 1;
        for (unsigned k = 0; k < 5; k++) {
            if (random_below(3) == 0)
                format[at++] = flags[k];
        }
        if (random_below(2))
            at += (size_t)sprintf(format + at, "%u", (unsigned)random_below(20) + 1);
        if (random_below(2))
            at += (size_t)sprintf(format + at, ".%u", (unsigned)random_below(20));
        bool is_long = random_below(2);
        if (is_long)
            format[at++] = 'l';
        format[at] = conversions[random_below(6)];
        u64 value = random_next() >> random_below(64);
        if (is_long)
            SAME(format, value);
        else
            SAME(format, (unsigned)value);
    }
}

static void a_small_buffer_is_cut(void)
{
    char text[4] = "zzz";
    CHECK(text_format(text, 4, "%s", "abcdef") == 6 && !strcmp(text, "abc"));
    CHECK(text_format(text, 1, "x%d", 12) == 3 && !strcmp(text, ""));
    CHECK(text_format(NULL, 0, "%08x", 1) == 8);
    const char *volatile null = NULL;
    CHECK(text_format(text, 4, "%s", null) == 6);
}

static char sunk[1000];
static size_t sunk_length, sunk_most;

static void sink(const char *text, size_t length)
{
    memcpy(sunk + sunk_length, text, length);
    sunk_length += length;
    sunk_most = length > sunk_most ? length : sunk_most;
}

static void long_texts_reach_the_sink_in_pieces(void)
{
    print("dropped");
    rt_print = sink;
    print("%300d|%s\n", 7, "end");
    CHECK(sunk_length == 305 && sunk_most == 256 && !memcmp(sunk + 299, "7|end\n", 6));
}

int main(void)
{
    RUN(fixed_formats_agree);
    RUN(random_formats_agree);
    RUN(a_small_buffer_is_cut);
    RUN(long_texts_reach_the_sink_in_pieces);
    return check_failures != 0;
}
