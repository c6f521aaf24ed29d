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

enum { TREE_MAX = 1 << 20 };

const ucl_object_t *root;
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

void must(int error)
{
    if (!error)
        return;
    fprintf(stderr, "%s: %s\n", file_name, fdt_strerror(error));
    exit(1);
}

static enum scalar text_read(const char *text, double *number)
{
    static const struct {
        const char *name;
        double factor;
        enum scalar kind;
    } units[] = {{"", 1, SCALAR_NUMBER}, {"Kb", 1024, SCALAR_NUMBER}, {"Mb", 1 << 20, SCALAR_NUMBER},
                 {"Gb", 1 << 30, SCALAR_NUMBER}, {"us", 1e-6, SCALAR_TIME}, {"ms", 1e-3, SCALAR_TIME},
                 {"s", 1, SCALAR_TIME}, {"min", 60, SCALAR_TIME}};
    char *end;
    double value = strtod(text, &end);
    if (end == text || !(*text >= '0' && *text <= '9'))
        return SCALAR_TEXT;
    for (unsigned i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcasecmp(end, units[i].name))
            continue;
        *number = value * units[i].factor;
        bool whole = *number == (double)(int64_t)*number;
        return units[i].kind == SCALAR_NUMBER && !whole ? SCALAR_FRACTION : units[i].kind;
    }
    return SCALAR_TEXT;
}

enum scalar scalar_read(const ucl_object_t *value, double *number)
{
    const char *text = "";
    *number = ucl_object_todouble(value);
    switch (ucl_object_type(value)) {
    case UCL_INT: return SCALAR_NUMBER;
    case UCL_FLOAT: return SCALAR_FRACTION;
    case UCL_TIME: return SCALAR_TIME;
    case UCL_BOOLEAN: *number = ucl_object_toboolean(value); return SCALAR_BOOLEAN;
    case UCL_STRING: break;
    default: return SCALAR_OTHER;
    }
    text = ucl_object_tostring(value);
    bool yes = !strcmp(text, "yes") || !strcmp(text, "true") || !strcmp(text, "on");
    if (yes || !strcmp(text, "no") || !strcmp(text, "false") || !strcmp(text, "off")) {
        *number = yes;
        return SCALAR_BOOLEAN;
    }
    return text_read(text, number);
}

static void scalar_compile(const char *path, const char *name, const ucl_object_t *value)
{
    double number;
    switch (scalar_read(value, &number)) {
    case SCALAR_TEXT: must(fdt_property_string(fdt, name, ucl_object_tostring(value))); break;
    case SCALAR_BOOLEAN: must(fdt_property_u32(fdt, name, number != 0)); break;
    case SCALAR_NUMBER: must(fdt_property_u64(fdt, name, (uint64_t)number)); break;
    case SCALAR_TIME: must(fdt_property_u64(fdt, name, (uint64_t)(number * 1e6 + 0.5))); break;
    case SCALAR_FRACTION:
    case SCALAR_OTHER:
        complain(path, "found \"%s\", expected a whole number, a time, a text or yes or no",
                 ucl_object_tostring_forced(value) ? ucl_object_tostring_forced(value) : "nothing");
        break;
    }
}

// A list of texts becomes one property; of anything else, a node with members 0, 1, ...
static bool all_texts(const ucl_object_t *list)
{
    ucl_object_iter_t it = NULL;
    const ucl_object_t *item;
    while ((item = ucl_object_iterate(list, &it, true))) {
        if (ucl_object_type(item) != UCL_STRING)
            return false;
    }
    return true;
}

static void list_compile(const char *path, const char *name, const ucl_object_t *list)
{
    ucl_object_iter_t it = NULL;
    const ucl_object_t *item;
    unsigned index = 0;
    if (all_texts(list)) {
        char *text = NULL;
        size_t length = 0;
        while ((item = ucl_object_iterate(list, &it, true))) {
            const char *s = ucl_object_tostring(item);
            text = realloc(text, length + strlen(s) + 1);
            memcpy(text + length, s, strlen(s) + 1);
            length += strlen(s) + 1;
        }
        must(fdt_property(fdt, name, text ? text : "", (int)length));
        free(text);
        return;
    }
    must(fdt_begin_node(fdt, name));
    while ((item = ucl_object_iterate(list, &it, true))) {
        char member[16];
        snprintf(member, sizeof(member), "%u", index++);
        value_compile(path, member, item);
    }
    must(fdt_end_node(fdt));
}

// libfdt wants a node's properties before its subnodes.
static void object_compile(const char *path, const char *name, const ucl_object_t *object)
{
    must(fdt_begin_node(fdt, name));
    for (int nodes = 0; nodes < 2; nodes++) {
        ucl_object_iter_t it = NULL;
        const ucl_object_t *item;
        while ((item = ucl_object_iterate(object, &it, true))) {
            bool node = ucl_object_type(item) == UCL_OBJECT ||
                        (ucl_object_type(item) == UCL_ARRAY && !all_texts(item)) || item->next;
            char below[512];
            snprintf(below, sizeof(below), "%s.%s", path, ucl_object_key(item));
            if (node != nodes)
                continue;
            if (item->next)
                complain(below, "found twice, expected once; a list is written [ a, b ]");
            else
                value_compile(below, ucl_object_key(item), item);
        }
    }
    must(fdt_end_node(fdt));
}

void value_compile(const char *path, const char *name, const ucl_object_t *value)
{
    if (ucl_object_type(value) == UCL_OBJECT)
        object_compile(path, name, value);
    else if (ucl_object_type(value) == UCL_ARRAY)
        list_compile(path, name, value);
    else
        scalar_compile(path, name, value);
}

// `child a {} child b {}` arrives as objects of the same key, each holding an object by its name.
static void each_child(void (*visit)(const char *name, const ucl_object_t *child))
{
    const ucl_object_t *all = ucl_object_lookup(root, "child"), *group;
    ucl_object_iter_t groups = NULL;
    while ((group = ucl_object_iterate(all, &groups, false))) {
        ucl_object_iter_t it = NULL;
        const ucl_object_t *child;
        if (ucl_object_type(group) != UCL_OBJECT) {
            complain("child", "found a value, expected `child NAME { ... }`");
            continue;
        }
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

static void compile(const char *name, const ucl_object_t *child)
{
    char path[512];
    snprintf(path, sizeof(path), "child %s", name);
    if (child_find(name) != child || child->next)
        complain(path, "found twice, expected children of different names");
    else
        child_compile(name, child);
}

static void compile_root(void)
{
    ucl_object_iter_t it = NULL;
    const ucl_object_t *item;
    while ((item = ucl_object_iterate(root, &it, true))) {
        if (strcmp(ucl_object_key(item), "child"))
            complain(ucl_object_key(item), "found an unknown item, expected `child NAME { ... }`");
    }
    each_child(compile);
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
    FILE *out = fopen(argv[2], "wb");
    if (!out || fwrite(fdt, fdt_totalsize(fdt), 1, out) != 1 || fclose(out)) {
        perror(argv[2]);
        return 1;
    }
    return 0;
}
