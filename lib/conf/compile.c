// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Compiling (conf.h): the text's children one after the other, and what all parts of it complain
// with. What is written when an error has been found is thrown away.
#include "lib/conf/compile.h"
#include "lib/conf/form.h"
#include <libfdt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { LINE_MAX_BYTES = 2048 };

void *fdt;
static const ucl_object_t *scope; // whose children routes may name
static unsigned depth;            // of inits in each other
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
    if (length)
        below[length++] = '.';
    size_t rest = strnlen(key, PATH_SIZE - length - 1);
    memcpy(below + length, key, rest);
    below[length + rest] = 0;
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
            continue; // items_compile has complained
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
    each_child((ucl_object_t *)(uintptr_t)scope, find, &search);
    return search.found;
}

struct children {
    const char *path; // of the block that has them
    unsigned count;
};

static void compile(ucl_object_t *group, const ucl_object_t *child, void *context)
{
    (void)group;
    struct children *children = context;
    const char *name = ucl_object_key(child);
    char path[PATH_SIZE];
    path_below(path, children->path, name);
    children->count++;
    if (child_find(name) != child || child->next)
        complain(path, "found twice, expected children of different names");
    else
        child_compile(path, name, child);
}

// libfdt wants a node's properties before its subnodes.
static void items_compile(const char *path, const ucl_object_t *block)
{
    static const char expected[] = "child NAME { ... }";
    ucl_object_iter_t it = NULL;
    const ucl_object_t *item, *one;
    char below[PATH_SIZE];
    while ((item = ucl_object_iterate(block, &it, true))) {
        const char *key = ucl_object_key(item);
        bool child = !strcmp(key, "child");
        path_below(below, path, key);
        if (!child && !init_item_compile(below, key, item))
            complain(below, "found an unknown item, expected `%s`, heartbeat or report", expected);
        for (one = child ? item : NULL; one; one = one->next) {
            if (ucl_object_type(one) != UCL_OBJECT)
                complain(below, "found \"%s\", expected `%s`", value_text(one), expected);
        }
    }
}

void init_compile(const char *path, const ucl_object_t *block)
{
    const ucl_object_t *outer = scope;
    struct children children = {.path = path};
    char below[PATH_SIZE];
    path_below(below, path, "child");
    if (++depth > CONFIG_DEPTH_MAX) {
        complain(path, "found more than %d inits in each other, expected fewer", CONFIG_DEPTH_MAX);
    } else if (ucl_object_type(block) != UCL_OBJECT) {
        complain(below, "found a list, expected `child NAME { ... }`");
    } else {
        scope = block;
        unsigned before = errors;
        items_compile(path, block);
        each_child((ucl_object_t *)(uintptr_t)block, compile, &children);
        if (!children.count && errors == before)
            complain(below, "found none, expected at least one `child NAME { ... }`");
    }
    depth--;
    scope = outer;
}

size_t conf_compile(const struct conf_text *text, void *tree, size_t size,
                    const struct conf_log *log)
{
    complain_to(log);
    fdt = tree;
    scope = NULL;
    depth = 0;
    tree_size = size;
    tree_failed = false;
    must(fdt_create(fdt, (int)size));
    must(fdt_finish_reservemap(fdt));
    must(fdt_begin_node(fdt, ""));
    init_compile("", text->root);
    must(fdt_end_node(fdt));
    must(fdt_finish(fdt));
    return errors ? 0 : fdt_totalsize(fdt);
}
