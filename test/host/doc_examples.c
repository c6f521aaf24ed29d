// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The manual's worked examples are code that scenarios/manual runs. A block of a chapter that
// begins with ```c test/system/manual/FILE:NAME holds what stands in that file between `// doc:
// NAME begin` and `// doc: NAME end`, byte for byte; and every such section is in some chapter.
#include "test/host/check.h"
#include <dirent.h>
#include <stdbool.h>
#include <string.h>

enum { TEXT_MAX = 1 << 18, PATH_LENGTH = 256, QUOTED_MAX = 256 };

static const char examples[] = "test/system/manual/";
static char quoted[QUOTED_MAX][PATH_LENGTH]; // FILE:NAME
static unsigned quoted_count;

static size_t read_all(const char *path, char *text)
{
    FILE *f = fopen(path, "r");
    size_t length = f ? fread(text, 1, TEXT_MAX - 1, f) : 0;
    if (f)
        fclose(f);
    text[length] = 0;
    return length;
}

// The text of a section, up to its end; NULL if there is none.
static const char *section(const char *source, const char *name, size_t *length)
{
    char mark[PATH_LENGTH];
    snprintf(mark, sizeof(mark), "// doc: %s begin\n", name);
    const char *begin = strstr(source, mark);
    if (!begin)
        return NULL;
    begin += strlen(mark);
    snprintf(mark, sizeof(mark), "// doc: %s end\n", name);
    const char *end = strstr(begin, mark);
    if (!end)
        return NULL;
    *length = (size_t)(end - begin);
    return begin;
}

// One block, from behind its first three marks on; says what is wrong.
static void check_block(const char *chapter, const char *block)
{
    static char source[TEXT_MAX];
    char what[PATH_LENGTH], path[PATH_LENGTH];
    const char *text = strchr(block, '\n'), *end = text ? strstr(text, "\n```") : NULL;
    size_t length;
    CHECK(end);
    if (!end || sscanf(block, "c %255[^\n]", what) != 1)
        return;
    strcpy(path, what);
    char *name = strchr(path, ':');
    CHECK(name && !strncmp(what, examples, sizeof(examples) - 1));
    if (!name)
        return;
    *name++ = 0;
    CHECK(read_all(path, source) > 0);
    const char *code = section(source, name, &length);
    bool same = code && length == (size_t)(end - text) && !memcmp(code, text + 1, length);
    if (!same)
        printf("  %s: the block \"%s\" is not what stands there; run tools/examples\n", chapter,
               what);
    CHECK(same);
    if (quoted_count < QUOTED_MAX)
        strcpy(quoted[quoted_count++], what);
}

static void each_file(const char *folder, const char *ending,
                      void (*visit)(const char *path, char *text))
{
    static char text[TEXT_MAX];
    DIR *d = opendir(folder);
    CHECK(d);
    for (struct dirent *e; d && (e = readdir(d));) {
        char path[PATH_LENGTH + 256];
        size_t length = strlen(e->d_name), end = strlen(ending);
        if (length <= end || strcmp(e->d_name + length - end, ending))
            continue;
        snprintf(path, sizeof(path), "%s%s", folder, e->d_name);
        CHECK(read_all(path, text) > 0);
        visit(path, text);
    }
    if (d)
        closedir(d);
}

static void visit_chapter(const char *path, char *text)
{
    static const char mark[] = "\n```c test/";
    for (const char *at = text; (at = strstr(at, mark)); at += sizeof(mark))
        check_block(path, at + 4);
}

static void blocks_are_what_runs(void)
{
    each_file("doc/", ".md", visit_chapter);
    CHECK(quoted_count >= 10);
}

static void visit_source(const char *path, char *text)
{
    for (const char *at = text; (at = strstr(at, "// doc: ")); at++) {
        char name[PATH_LENGTH], verb[PATH_LENGTH], whole[3 * PATH_LENGTH];
        bool found = false;
        if (sscanf(at, "// doc: %255s %255s", name, verb) != 2 || strcmp(verb, "begin"))
            continue;
        snprintf(whole, sizeof(whole), "%s:%s", path, name);
        for (unsigned i = 0; i < quoted_count; i++)
            found |= !strcmp(quoted[i], whole);
        if (!found)
            printf("  %s: no chapter has this section\n", whole);
        CHECK(found);
    }
}

static void what_runs_is_in_a_chapter(void)
{
    each_file(examples, ".c", visit_source);
}

int main(void)
{
    RUN(blocks_are_what_runs);
    RUN(what_runs_is_in_a_chapter);
    return check_failures != 0;
}
