// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Values: numbers with their units, and what a `config` block holds. There, a whole number is a
// 64-bit property, a time one in microseconds, yes and no are 32-bit 1 and 0, a text and a list of
// texts are strings one after the other, a block and any other list are nodes.
#include "lib/conf/compile.h"
#include "lib/conf/form.h"
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Up to here a double holds every whole number.
static const double NUMBER_MAX = 9007199254740992.0;

static enum scalar text_read(const char *text, double *number)
{
    static const struct {
        const char *name;
        double factor;
        enum scalar kind;
    } units[] = {{"", 1, SCALAR_NUMBER},         {"Kb", 1024, SCALAR_NUMBER},
                 {"Mb", 1 << 20, SCALAR_NUMBER}, {"Gb", 1 << 30, SCALAR_NUMBER},
                 {"us", 1e-6, SCALAR_TIME},      {"ms", 1e-3, SCALAR_TIME},
                 {"s", 1, SCALAR_TIME},          {"min", 60, SCALAR_TIME}};
    char *end;
    double value = strtod(text, &end);
    const char *digit = text + (*text == '-');
    if (end == text || !(*digit >= '0' && *digit <= '9'))
        return SCALAR_TEXT;
    for (unsigned i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcasecmp(end, units[i].name))
            continue;
        *number = value * units[i].factor;
        bool whole =
            *number >= -NUMBER_MAX && *number <= NUMBER_MAX && *number == (double)(int64_t)*number;
        return units[i].kind == SCALAR_NUMBER && !whole ? SCALAR_FRACTION : units[i].kind;
    }
    return SCALAR_TEXT;
}

enum scalar scalar_read(const ucl_object_t *value, double *number)
{
    *number = ucl_object_todouble(value);
    switch (ucl_object_type(value)) {
    case UCL_INT: return SCALAR_NUMBER;
    case UCL_FLOAT: return SCALAR_FRACTION;
    case UCL_TIME: return SCALAR_TIME;
    case UCL_BOOLEAN: *number = ucl_object_toboolean(value); return SCALAR_BOOLEAN;
    case UCL_STRING: break;
    default: return SCALAR_OTHER;
    }
    const char *text = ucl_object_tostring(value);
    bool yes = !strcmp(text, "yes") || !strcmp(text, "true") || !strcmp(text, "on");
    if (yes || !strcmp(text, "no") || !strcmp(text, "false") || !strcmp(text, "off")) {
        *number = yes;
        return SCALAR_BOOLEAN;
    }
    return text_read(text, number);
}

const char *value_text(const ucl_object_t *value)
{
    static char text[64];
    switch (ucl_object_type(value)) {
    case UCL_OBJECT: return "a block";
    case UCL_ARRAY: return "a list";
    case UCL_FLOAT: snprintf(text, sizeof(text), "%.15g", ucl_object_todouble(value)); return text;
    case UCL_TIME: snprintf(text, sizeof(text), "%.15gs", ucl_object_todouble(value)); return text;
    default: break;
    }
    const char *forced = ucl_object_tostring_forced(value);
    return forced ? forced : "nothing";
}

static void scalar_compile(const char *path, const char *name, const ucl_object_t *value)
{
    double number;
    enum scalar kind = scalar_read(value, &number);
    if (kind == SCALAR_TIME)
        number = number * 1e6 + 0.5;
    if ((kind == SCALAR_NUMBER || kind == SCALAR_TIME) && (number < 0 || number > NUMBER_MAX))
        complain(path, "found \"%s\", expected a number from 0 to 2^53", value_text(value));
    else if (kind == SCALAR_TEXT)
        must(fdt_property_string(fdt, name, ucl_object_tostring(value)));
    else if (kind == SCALAR_BOOLEAN)
        must(fdt_property_u32(fdt, name, number != 0));
    else if (kind == SCALAR_NUMBER || kind == SCALAR_TIME)
        must(fdt_property_u64(fdt, name, (uint64_t)number));
    else
        complain(path, "found \"%s\", expected a whole number, a time, a text, or yes or no",
                 value_text(value));
}

static bool all_texts(const ucl_object_t *list)
{
    ucl_object_iter_t it = NULL;
    const ucl_object_t *item;
    double number;
    while ((item = ucl_object_iterate(list, &it, true))) {
        if (ucl_object_type(item) != UCL_STRING || scalar_read(item, &number) != SCALAR_TEXT)
            return false;
    }
    return true;
}

static void list_compile(const char *name, const ucl_object_t *list)
{
    ucl_object_iter_t it = NULL;
    const ucl_object_t *item;
    char *text = NULL;
    size_t length = 0;
    while ((item = ucl_object_iterate(list, &it, true))) {
        size_t size = strlen(ucl_object_tostring(item)) + 1;
        text = realloc(text, length + size);
        if (!text)
            abort();
        memcpy(text + length, ucl_object_tostring(item), size);
        length += size;
    }
    must(fdt_property(fdt, name, text ? text : "", (int)length));
    free(text);
}

// libfdt wants a node's properties before its subnodes.
static bool is_node(const ucl_object_t *value)
{
    return ucl_object_type(value) == UCL_OBJECT ||
           (ucl_object_type(value) == UCL_ARRAY && !all_texts(value));
}

// A list's members are named 0, 1, ...
static void members_compile(const char *path, const ucl_object_t *from, unsigned depth, bool nodes)
{
    ucl_object_iter_t it = NULL;
    const ucl_object_t *item;
    unsigned index = 0;
    while ((item = ucl_object_iterate(from, &it, true))) {
        char below[PATH_SIZE], number[16];
        snprintf(number, sizeof(number), "%u", index++);
        const char *key = ucl_object_type(from) == UCL_ARRAY ? number : ucl_object_key(item);
        path_below(below, path, key);
        bool object = ucl_object_type(from) == UCL_OBJECT, twice = object && item->next;
        if (object && depth == 1 && !strcmp(key, "policy") && ucl_object_type(item) == UCL_OBJECT) {
            if (nodes)
                policies_compile(below, item, depth);
        } else if (twice && !nodes)
            complain(below, "found twice, expected once; a list is written [ a, b ]");
        else if (strchr(key, '/') && !nodes)
            complain(below, "found a name with a slash, expected one without");
        else if (!twice && is_node(item) == nodes)
            value_compile(below, key, item, depth);
    }
}

void value_compile(const char *path, const char *name, const ucl_object_t *value, unsigned depth)
{
    if (!is_node(value)) {
        if (ucl_object_type(value) == UCL_ARRAY)
            list_compile(name, value);
        else
            scalar_compile(path, name, value);
        return;
    }
    if (depth > CONFIG_DEPTH_MAX) {
        complain(path, "found more than %d blocks in each other, expected fewer", CONFIG_DEPTH_MAX);
        return;
    }
    must(fdt_begin_node(fdt, name));
    members_compile(path, value, depth + 1, false);
    members_compile(path, value, depth + 1, true);
    must(fdt_end_node(fdt));
}
