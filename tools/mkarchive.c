// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Packs files into the boot archive: cpio (newc) with each file's contents at a multiple of 4096,
// so that a ROM is mapped and never copied. The padding is a name that goes on in zero bytes.
// Usage: mkarchive OUT NAME=FILE...
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGN = 4096, HEADER = 110 };

static FILE *out;
static unsigned long at;

static void die(const char *what, const char *name)
{
    fprintf(stderr, "mkarchive: %s: %s\n", name, what);
    exit(1);
}

static void put(const void *data, size_t size)
{
    if (size && fwrite(data, 1, size, out) != size)
        die("cannot write", "output");
    at += size;
}

static void pad(unsigned long multiple)
{
    static const char zeroes[ALIGN];
    put(zeroes, (multiple - at % multiple) % multiple);
}

static void entry(const char *name, const char *data, unsigned long size)
{
    char header[160];
    unsigned long name_size = strlen(name) + 1;
    unsigned long data_at = at + HEADER + name_size;
    unsigned long fill = size ? (ALIGN - data_at % ALIGN) % ALIGN : 0;
    snprintf(header, sizeof(header), "070701%08X%08X%08X%08X%08X%08X%08lX%08X%08X%08X%08X%08lX%08X",
             1, 0100644, 0, 0, 1, 0, size, 0, 0, 0, 0, name_size + fill, 0);
    put(header, HEADER);
    put(name, name_size);
    if (size)
        pad(ALIGN);
    pad(4);
    put(data, size);
    pad(4);
}

static char *read_file(const char *path, unsigned long *size)
{
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END))
        die("cannot read", path);
    *size = (unsigned long)ftell(file);
    char *data = malloc(*size + 1);
    rewind(file);
    if (!data || fread(data, 1, *size, file) != *size)
        die("cannot read", path);
    fclose(file);
    return data;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: mkarchive OUT NAME=FILE...\n");
        return 2;
    }
    out = fopen(argv[1], "wb");
    if (!out)
        die("cannot create", argv[1]);
    for (int i = 2; i < argc; i++) {
        char *path = strchr(argv[i], '=');
        unsigned long size;
        if (!path)
            die("expected NAME=FILE", argv[i]);
        *path++ = 0;
        char *data = read_file(path, &size);
        entry(argv[i], data, size);
        free(data);
    }
    entry("TRAILER!!!", "", 0);
    pad(ALIGN);
    return fclose(out) ? 1 : 0;
}
