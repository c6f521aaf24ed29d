// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Compiling (conf.h): the text's children one after the other, and what all parts of it complain
// with. What is written when an error has been found is thrown away.
#include "lib/conf/compile.h"
#include <libfdt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { LINE_MAX_BYTES = 2048 };

void *fdt;
static const ucl_object_t *root;
static const struct conf_log *complaint_log;
static unsigned errors;
static bool tree_failed;
static size_t tree_size;

void complain_to(const struct conf_log *log)
{
    complaint_log = log;
    errors = 0;
}

void complain(const char *path, const char *format, ...)
{
    char line[LINE_MAX_BYTES];
    int length = snprintf(line, sizeof(line), "%s: %s: ", complaint_log->name, path);
    va_list arguments;
    va_start(arguments, format);
    if (length > 0 && (size_t)length < sizeof(line))
        vsnprintf(line + length, sizeof(line) - (size_t)length, format, arguments);
    va_end(arguments);
    complaint_log->line(complaint_log->context, line);
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
    if (!error || tree_failed)
        return;
    tree_failed = true;
    if (error == -FDT_ERR_NOSPACE)
        complain("child", "found a tree of more than %zu bytes, expected a smaller one", tree_size);
    else
        complain("child", "%s", fdt_strerror(error));
}

// `child a {} child b {}` arrives as objects of the same key, each holding an object by its name.
// libucl's iterators free themselves at the end, so it always goes there.
void each_child(ucl_object_t *from,
                void (*visit)(ucl_object_t *group, const ucl_object_t *child, void *context),
                void *context)
{
    const ucl_object_t *all = ucl_object_lookup(from, "child"), *group;
    ucl_object_iter_t groups = NULL;
    while ((group = ucl_object_iterate(all, &groups, false))) {
        ucl_object_iter_t it = NULL;
        const ucl_object_t *child;
        if (ucl_object_type(group) != UCL_OBJECT)
            continue; // compile_root has complained
        while ((child = ucl_object_iterate(group, &it, true)))
            visit((ucl_object_t *)(uintptr_t)group, child, context);
    }
}

struct search {
    const char *name;
    const ucl_object_t *found;
};

static void find(ucl_object_t *group, const ucl_object_t *child, void *context)
{
    (void)group;
    struct search *search = context;
    if (!search->found && !strcmp(ucl_object_key(child), search->name))
        search->found = child;
}

const ucl_object_t *child_find(const char *name)
{
    struct search search = {name, NULL};
    each_child((ucl_object_t *)(uintptr_t)root, find, &search);
    return search.found;
}

static unsigned children;
static void compile(ucl_object_t *group, const ucl_object_t *child, void *context)
{
    (void)group, (void)context;
    const char *name = ucl_object_key(child);
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
    if (ucl_object_type(root) != UCL_OBJECT) {
        complain("child", "found a list, expected `%s`", expected);
        return;
    }
    while ((item = ucl_object_iterate(root, &it, true))) {
        bool child = !strcmp(ucl_object_key(item), "child");
        if (!child)
            complain(ucl_object_key(item), "found an unknown item, expected `%s`", expected);
        for (one = child ? item : NULL; one; one = one->next) {
            if (ucl_object_type(one) != UCL_OBJECT)
                complain("child", "found \"%s\", expected `%s`", value_text(one), expected);
        }
    }
    children = 0;
    each_child((ucl_object_t *)(uintptr_t)root, compile, NULL);
    if (!children && !errors)
        complain("child", "found none, expected at least one `%s`", expected);
}

size_t conf_compile(const struct conf_text *text, void *tree, size_t size,
                    const struct conf_log *log)
{
    complain_to(log);
    root = text->root;
    fdt = tree;
    tree_size = size;
    tree_failed = false;
    must(fdt_create(fdt, (int)size));
    must(fdt_finish_reservemap(fdt));
    must(fdt_begin_node(fdt, ""));
    compile_root();
    must(fdt_end_node(fdt));
    must(fdt_finish(fdt));
    return errors ? 0 : fdt_totalsize(fdt);
}
