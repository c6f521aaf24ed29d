// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// conf -o OUT IN: compiles a scenario's UCL text into the flattened tree that init reads
// (lib/conf), and writes OUT.d for make. All errors are listed; one is enough to write nothing.
// conf -w IN prints the text as the component would write it.
#include "lib/conf/compile.h"
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TREE_MAX = 1 << 20, INCLUDES_MAX = 256 };

// libucl tells of each file before it reads it.
static char *included[INCLUDES_MAX];
static unsigned included_count;
static void include(struct ucl_parser *parser, const ucl_object_t *parent,
                    const ucl_object_t *arguments, const char *path, size_t length, void *context)
{
    (void)parser, (void)parent, (void)arguments, (void)context;
    if (included_count < INCLUDES_MAX)
        included[included_count++] = strndup(path, length);
}

static bool write_dependencies(const char *out)
{
    char name[4096];
    snprintf(name, sizeof(name), "%s.d", out);
    FILE *dependencies = fopen(name, "w");
    if (!dependencies)
        return false;
    fprintf(dependencies, "%s:", out);
    for (unsigned i = 0; i < included_count; i++)
        fprintf(dependencies, " %s", included[i]);
    fputc('\n', dependencies);
    for (unsigned i = 0; i < included_count; i++)
        fprintf(dependencies, "%s:\n", included[i]);
    return fclose(dependencies) == 0;
}

static bool write_tree(const char *out, const void *tree, size_t size)
{
    FILE *file = fopen(out, "wb");
    if (!file)
        return false;
    bool written = fwrite(tree, size, 1, file) == 1;
    return fclose(file) == 0 && written;
}

static void print_line(void *context, const char *text)
{
    (void)context;
    fprintf(stderr, "%s\n", text);
}

static bool read_file(struct conf_text *text, const char *name)
{
    struct ucl_parser *parser = ucl_parser_new(UCL_PARSER_DEFAULT);
    ucl_parser_set_filevars(parser, name, true);
    ucl_parser_set_include_tracer(parser, include, NULL);
    if (!ucl_parser_add_file(parser, name) || ucl_parser_get_error(parser)) {
        fprintf(stderr, "%s: %s\n", name, ucl_parser_get_error(parser));
        return false;
    }
    text->root = ucl_parser_get_object(parser);
    return true;
}

int main(int argc, char **argv)
{
    bool write = argc == 3 && !strcmp(argv[1], "-w");
    if (!write && (argc != 4 || strcmp(argv[1], "-o"))) {
        fprintf(stderr, "usage: conf -o OUT IN, or conf -w IN\n");
        return 2;
    }
    struct conf_log log = {.name = argv[argc - 1], .line = print_line};
    struct conf_text text;
    void *tree = calloc(1, TREE_MAX);
    if (!tree || !read_file(&text, log.name))
        return 1;
    size_t size = conf_compile(&text, tree, TREE_MAX, &log);
    if (!size)
        return 1;
    if (write) {
        char *anew = conf_write(&text);
        fputs(anew ? anew : "", stdout);
        return !anew;
    }
    if (!write_tree(argv[2], tree, size) || !write_dependencies(argv[2])) {
        perror(argv[2]);
        return 1;
    }
    return 0;
}
