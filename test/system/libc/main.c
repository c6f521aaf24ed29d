// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The C library in a component: streams, formats, numbers, strings, sorting, the heap; and what is
// not there says so.
#include "lib/rt/thread.h"
#include "test/system/check.h"
#include "test/system/exit.h"
#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static char text[512];

static void numbers_are_formatted(void)
{
    CHECK_EQ(snprintf(text, sizeof(text), "%d %5u|%-4x|%#lo %lld %zu %c %%", -7, 42u, 0xabu, 8l,
                      -9223372036854775807ll, (size_t)3, 'x'),
             44);
    CHECK(!strcmp(text, "-7    42|ab  |010 -9223372036854775807 3 x %"));
    CHECK_EQ(snprintf(text, 4, "%s", "abcdef"), 6);
    CHECK(!strcmp(text, "abc"));
}

static void fractions_are_formatted(void)
{
    snprintf(text, sizeof(text), "%.3f %g %e %.15g %5.1f|%g %g", 3.14159, 0.1, 12345.678, 0.1 + 0.2,
             -2.25, HUGE_VAL, 1e300);
    CHECK(!strcmp(text, "3.142 0.1 1.234568e+04 0.3  -2.2|inf 1e+300"));
    snprintf(text, sizeof(text), "%.17g %a", 0.1, 1.5);
    CHECK(!strcmp(text, "0.10000000000000001 0x1.8p+0"));
}

static void numbers_are_read(void)
{
    char *end;
    CHECK(strtod("0.1", &end) == 0.1 && !*end);
    CHECK(strtod(" -1.25e2rest", &end) == -125 && !strcmp(end, "rest"));
    CHECK(strtod("0x1.8p3", &end) == 12 && !*end);
    CHECK(strtod("1e999", NULL) == HUGE_VAL && strtod("none", &end) == 0 && *end == 'n');
    CHECK(strtod("2.2250738585072014e-308", NULL) == 2.2250738585072014e-308);
    CHECK(strtol("-0x7f", &end, 0) == -127 && strtoul("777", NULL, 8) == 511);
    CHECK(strtoll("9223372036854775808", NULL, 10) == INT64_MAX);
    CHECK(strtoimax("12", NULL, 10) == 12 && atoi("-3x") == -3);
}

static void strings_are_found_and_cut(void)
{
    char copy[32], *rest = NULL;
    strcpy(copy, "a,b;;c");
    CHECK(!strcmp(strtok_r(copy, ",;", &rest), "a") && !strcmp(strtok_r(NULL, ",;", &rest), "b"));
    CHECK(!strcmp(strtok_r(NULL, ",;", &rest), "c") && !strtok_r(NULL, ",;", &rest));
    strcpy(copy, "TeSSera");
    CHECK(!strcasecmp(copy, "tessERA") && strncasecmp(copy, "tet", 3) < 0);
    CHECK(!strcmp(strstr("one two", "tw"), "two") && !strcmp(strrchr("a/b/c", '/'), "/c"));
    CHECK(strspn("aab", "a") == 2 && strcspn("aab", "b") == 2 && *strpbrk("xyz", "zy") == 'y');
    char *twin = strdup("twin");
    CHECK(twin && !strcmp(strcat(strcpy(copy, twin), "s"), "twins"));
    free(twin);
    CHECK(isalpha('q') && !isalpha('1') && isspace('\t') && toupper('q') == 'Q' && isxdigit('f'));
    CHECK(!strcmp(strerror(2), "No such file or directory"));
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void many_values_are_sorted_and_found(void)
{
    enum { COUNT = 10000 };
    double *values = malloc(COUNT * sizeof(*values));
    CHECK(values);
    for (unsigned i = 0; i < COUNT; i++)
        values[i] = (double)(i * 7919 % COUNT) / 8;
    qsort(values, COUNT, sizeof(*values), by_value);
    for (unsigned i = 0; i < COUNT; i++)
        CHECK(values[i] == i / 8.0);
    double want = 625.5;
    CHECK(bsearch(&want, values, COUNT, sizeof(*values), by_value) == &values[5004]);
    free(values);
}

static void memory_grows_and_is_bounded(void)
{
    char *p = calloc(3, 5);
    CHECK(p && !p[0] && !p[14]);
    strcpy(p, "kept");
    char *larger = realloc(p, 100000);
    CHECK(larger && !strcmp(larger, "kept"));
    volatile size_t most = SIZE_MAX / 2;
    p = malloc(most);
    CHECK(!p);
    p = calloc(most, 4);
    CHECK(!p);
    free(larger);
}

static void there_are_no_files(void)
{
    CHECK(getenv("HOME") == NULL && realpath("/", NULL) == NULL);
}

// Each with FPU state of its own; vectors on the stack would fault if that were misaligned.
static double sums[3];
static void sum(void *argument)
{
    word_t index = (word_t)argument;
    double part[4] = {0};
    for (unsigned i = 1; i < 1000000; i++)
        part[i % 4] += (double)index / ((double)i * i);
    sums[index] = part[0] + part[1] + part[2] + part[3];
}

static void threads_compute_each_for_themselves(void)
{
    struct thread one;
    CHECK_EQ(thread_create(&one, 0, 64, "sum", sum, (void *)1), SUCCESS);
    sum((void *)2);
    thread_join(&one);
    snprintf(text, sizeof(text), "%.5f %.5f", sums[1], sums[2]);
    CHECK(!strcmp(text, "1.64493 3.28987"));
}

static void output_comes_by_lines(void)
{
    printf("half a line, ");
    fprintf(stdout, "and %.1f lines\n", 1.5);
    puts("a line");
    fprintf(stderr, "an error's line\n");
    fflush(stdout);
}

int main(void)
{
    RUN(numbers_are_formatted);
    RUN(fractions_are_formatted);
    RUN(numbers_are_read);
    RUN(strings_are_found_and_cut);
    RUN(many_values_are_sorted_and_found);
    RUN(memory_grows_and_is_bounded);
    RUN(there_are_no_files);
    RUN(threads_compute_each_for_themselves);
    RUN(output_comes_by_lines);
    TESTS_DONE();
    machine_exit(0);
    return 0;
}
