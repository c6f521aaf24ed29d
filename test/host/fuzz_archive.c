// needs: lib/rt/archive.c
// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The cpio reader: a good archive, damaged ones, and 200,000 random mutations, whose accepted files
// are read in full.
#include "lib/rt/archive.h"
#include "test/host/check.h"
#include <string.h>

enum { MUTATIONS = 200000, SPACE = 4096 };

static u8 space[SPACE];
static size_t length;

static void add(const char *name, unsigned mode, const char *data, size_t name_padding)
{
    size_t name_size = strlen(name) + 1 + name_padding;
    length += (size_t)sprintf((char *)space + length,
                              "070701%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x", 1,
                              mode, 0, 0, 1, 0, strlen(data), 0, 0, 0, 0, name_size, 0);
    memset(space + length, 0, name_size);
    memcpy(space + length, name, strlen(name));
    length = ALIGN_UP(length + name_size, 4);
    memcpy(space + length, data, strlen(data));
    length = ALIGN_UP(length + strlen(data), 4);
}

static void make(void)
{
    memset(space, 0, sizeof(space));
    length = 0;
    add("config", 0100644, "ticks", 0);
    add("dir", 040755, "", 0);
    add("padded", 0100644, "at a border", 77);
    add("empty", 0100644, "", 0);
    add("TRAILER!!!", 0, "", 0);
}

static void files_are_found_by_name(void)
{
    struct archive a;
    struct archive_file f;
    make();
    archive_open(&a, space, length);
    CHECK(!archive_find(&a, "config", &f) && f.size == 5 && !memcmp(f.data, "ticks", 5));
    CHECK(!archive_find(&a, "padded", &f) && f.size == 11 && !memcmp(f.data, "at a border", 11));
    CHECK(f.data == space + f.offset);
    CHECK(!archive_find(&a, "empty", &f) && f.size == 0);
    CHECK(archive_find(&a, "dir", &f) == ENOTFOUND);
    CHECK(archive_find(&a, "conf", &f) == ENOTFOUND);
    CHECK(archive_find(&a, "TRAILER!!!", &f) == ENOTFOUND);
}

static void iteration_sees_regular_files_in_order(void)
{
    static const char *const expected[] = {"config", "padded", "empty"};
    struct archive a;
    struct archive_file f = {0};
    make();
    archive_open(&a, space, length);
    for (unsigned i = 0; i < 3; i++)
        CHECK(!archive_next(&a, &f) && !strcmp(f.name, expected[i]));
    CHECK(archive_next(&a, &f) == ENOTFOUND);
}

static void every_cut_is_an_error(void)
{
    make();
    for (size_t size = 0; size < length; size++) {
        u8 *image = malloc(size + !size);
        memcpy(image, space, size);
        struct archive a;
        struct archive_file f;
        archive_open(&a, image, size);
        error_t error = archive_find(&a, "nothing", &f);
        CHECK(error == EPARAM || (error == ENOTFOUND && size >= length - 4));
        free(image);
    }
}

static unsigned accepted;

static void mutations_are_harmless(void)
{
    static const char digits[] = "0123456789abcdefABCDEFg";
    for (unsigned i = 0; i < MUTATIONS; i++) {
        make();
        size_t size = random_below(3) ? length : random_below(length);
        for (unsigned changes = (unsigned)random_below(4) + 1; changes; changes--) {
            size_t at = random_below(length);
            space[at] = (u8)(random_below(2) ? (u64)digits[random_below(sizeof(digits) - 1)]
                                             : random_next());
        }
        u8 *image = malloc(size + !size);
        memcpy(image, space, size);
        struct archive a;
        struct archive_file f = {0};
        u64 sum = 0;
        archive_open(&a, image, size);
        while (!archive_next(&a, &f)) {
            sum += strlen(f.name);
            for (u64 k = 0; k < f.size; k++)
                sum += f.data[k];
            accepted++;
        }
        __asm__ volatile("" ::"r"(sum));
        free(image);
    }
    CHECK(accepted > MUTATIONS / 2);
}

int main(void)
{
    RUN(files_are_found_by_name);
    RUN(iteration_sees_regular_files_in_order);
    RUN(every_cut_is_an_error);
    RUN(mutations_are_harmless);
    return check_failures != 0;
}
