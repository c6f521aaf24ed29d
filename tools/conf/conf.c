// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// conf -o OUT IN: compiles a scenario's UCL text into the flattened tree that init reads. Syntax
// errors come from libucl with line and column; all others name the item's path, what was found and
// what was expected. All errors are listed; one is enough to write nothing.
#include "tools/conf/conf.h"
#include <libfdt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TREE_MAX = 1 << 20, INCLUDES_MAX = 256 };

static const ucl_object_t *root;
void *fdt;
static const char *file_name;
static unsigned errors;

void complain(const char *path, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s: %s: ", file_name, path);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    errors++;
}

void path_below(char below[PATH_SIZE], const char *path, const char *key)
{
    size_t length = strnlen(path, PATH_SIZE - 2);
    memcpy(below, path, length);
    below[length] = '.';
    size_t rest = strnlen(key, PATH_SIZE - length - 2);
    memcpy(below + length + 1, key, rest);
    below[length + 1 + rest] = 0;
}

void must(int error)
{
    if (!error)
        return;
    if (error == -FDT_ERR_NOSPACE)
        fprintf(stderr, "%s: the compiled tree exceeds %dKb\n", file_name, TREE_MAX / 1024);
    else
        fprintf(stderr, "%s: %s\n", file_name, fdt_strerror(error));
    exit(1);
}

// `child a {} child b {}` arrives as objects of the same key, each holding an object by its name.
static void each_child(void (*visit)(const char *name, const ucl_object_t *child))
{
    const ucl_object_t *all = ucl_object_lookup(root, "child"), *group;
    ucl_object_iter_t groups = NULL;
    while ((group = ucl_object_iterate(all, &groups, false))) {
        ucl_object_iter_t it = NULL;
        const ucl_object_t *child;
        if (ucl_object_type(group) != UCL_OBJECT)
            continue; // compile_root has complained
        while ((child = ucl_object_iterate(group, &it, true)))
            visit(ucl_object_key(child), child);
    }
}

static const char *wanted;
static const ucl_object_t *found;
static void find(const char *name, const ucl_object_t *child)
{
    if (!found && !strcmp(name, wanted))
        found = child;
}

const ucl_object_t *child_find(const char *name)
{
    wanted = name;
    found = NULL;
    each_child(find);
    return found;
}

static unsigned children;
static void compile(const char *name, const ucl_object_t *child)
{
    children++;
    if (child_find(name) != child || child->next)
        complain(name, "found twice, expected children of different names");
    else
        child_compile(name, child);
}

static void compile_root(void)
{
    static const char expected[] = "child NAME { ... }";
    ucl_object_iter_t it = NULL;
    const ucl_object_t *item, *one;
    while ((item = ucl_object_iterate(root, &it, true))) {
        bool child = !strcmp(ucl_object_key(item), "child");
        if (!child)
            complain(ucl_object_key(item), "found an unknown item, expected `%s`", expected);
        for (one = child ? item : NULL; one; one = one->next) {
            if (ucl_object_type(one) != UCL_OBJECT)
                complain("child", "found \"%s\", expected `%s`", value_text(one), expected);
        }
    }
    each_child(compile);
    if (!children && !errors)
        complain("child", "found none, expected at least one `%s`", expected);
}

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

static bool write_tree(const char *out)
{
    FILE *file = fopen(out, "wb");
    if (!file)
        return false;
    bool written = fwrite(fdt, fdt_totalsize(fdt), 1, file) == 1;
    return fclose(file) == 0 && written;
}

int main(int argc, char **argv)
{
    if (argc != 4 || strcmp(argv[1], "-o")) {
        fprintf(stderr, "usage: conf -o OUT IN\n");
        return 2;
    }
    file_name = argv[3];
    struct ucl_parser *parser = ucl_parser_new(UCL_PARSER_DEFAULT);
    ucl_parser_set_filevars(parser, file_name, true);
    ucl_parser_set_include_tracer(parser, include, NULL);
    if (!ucl_parser_add_file(parser, file_name) || ucl_parser_get_error(parser)) {
        fprintf(stderr, "%s: %s\n", file_name, ucl_parser_get_error(parser));
        return 1;
    }
    root = ucl_parser_get_object(parser);
    fdt = calloc(1, TREE_MAX);
    must(fdt_create(fdt, TREE_MAX));
    must(fdt_finish_reservemap(fdt));
    must(fdt_begin_node(fdt, ""));
    compile_root();
    if (errors)
        return 1;
    must(fdt_end_node(fdt));
    must(fdt_finish(fdt));
    if (!write_tree(argv[2]) || !write_dependencies(argv[2])) {
        perror(argv[2]);
        return 1;
    }
    return 0;
}
