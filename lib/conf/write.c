// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Writing a parsed text (conf.h), so that it compiles to the same tree: sizes and times get their
// units back, texts are quoted unless they are plain words.
#include "lib/conf/compile.h"
#include <tessera/types.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct output {
    char *text;
    size_t length, size;
    bool failed;
};

static void put(struct output *o, const char *bytes, size_t length)
{
    if (o->length + length + 1 > o->size) {
        size_t size = 2 * (o->length + length) + 256;
        char *text = o->failed ? NULL : realloc(o->text, size);
        if (!text) {
            o->failed = true;
            return;
        }
        o->text = text;
        o->size = size;
    }
    memcpy(o->text + o->length, bytes, length);
    o->length += length;
    o->text[o->length] = 0;
}

static void put_text(struct output *o, const char *text)
{
    put(o, text, strlen(text));
}

static void indent(struct output *o, unsigned depth)
{
    for (unsigned i = 0; i < depth; i++)
        put_text(o, "    ");
}

static bool plain(const char *text)
{
    static const char first[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
    static const char *const special[] = {"null", "nan", "inf", "infinity"};
    for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++) {
        if (!strcasecmp(text, special[i]))
            return false;
    }
    return strspn(text, first) > 0 &&
           text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789-")] ==
               0;
}

// Between single quotes a $ stands for itself.
static void word(struct output *o, const char *text)
{
    if (plain(text)) {
        put_text(o, text);
        return;
    }
    bool dollar = strchr(text, '$') && !strpbrk(text, "\\\n\r\t");
    put_text(o, dollar ? "'" : "\"");
    for (; *text; text++) {
        char escaped[8] = {*text};
        if (dollar ? *text == '\'' : *text == '"' || *text == '\\')
            snprintf(escaped, sizeof(escaped), "\\%c", *text);
        else if ((unsigned char)*text < 32)
            snprintf(escaped, sizeof(escaped), "\\u%04x", (unsigned)*text);
        put_text(o, escaped);
    }
    put_text(o, dollar ? "'" : "\"");
}

// libucl leaves some numbers text (compile.h).
static bool is_number(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    return digits && digits < 10 && text[digits + strspn(text + digits, "KMGbumsin")] == 0;
}

static void number(struct output *o, double value, const char *unit)
{
    char text[64];
    snprintf(text, sizeof(text), "%.15g%s", value, unit);
    put_text(o, text);
}

static void whole(struct output *o, double value)
{
    char text[64];
    if (value >= PAGE_SIZE)
        put_text(o, bytes_text(value, text, sizeof(text)));
    else
        number(o, value, "");
}

static void string(struct output *o, const char *text)
{
    if (is_number(text))
        put_text(o, text);
    else
        word(o, text);
}

static void value_write(struct output *o, const ucl_object_t *value, unsigned depth);

static void list(struct output *o, const ucl_object_t *value, unsigned depth)
{
    ucl_object_iter_t it = NULL;
    const ucl_object_t *member;
    const char *before = "[ ";
    while ((member = ucl_object_iterate(value, &it, true))) {
        put_text(o, before);
        value_write(o, member, depth);
        before = ", ";
    }
    put_text(o, *before == '[' ? "[ ]" : " ]");
}

// All of a block but what is called `without`.
static void items(struct output *o, const ucl_object_t *block, unsigned depth, const char *without)
{
    ucl_object_iter_t it = NULL;
    const ucl_object_t *first;
    while ((first = ucl_object_iterate(block, &it, true))) {
        bool skip = !strcmp(ucl_object_key(first), without);
        for (const ucl_object_t *item = skip ? NULL : first; item; item = item->next) {
            bool is_block = ucl_object_type(item) == UCL_OBJECT;
            indent(o, depth);
            word(o, ucl_object_key(first));
            put_text(o, is_block ? " " : " = ");
            value_write(o, item, depth);
            put_text(o, is_block ? "\n" : ";\n");
        }
    }
}

static void value_write(struct output *o, const ucl_object_t *value, unsigned depth)
{
    double v = ucl_object_todouble(value);
    switch (ucl_object_type(value)) {
    case UCL_OBJECT:
        put_text(o, "{\n");
        items(o, value, depth + 1, "");
        indent(o, depth);
        put_text(o, "}");
        break;
    case UCL_ARRAY: list(o, value, depth); break;
    case UCL_INT: whole(o, v); break;
    case UCL_FLOAT: number(o, v, ""); break;
    case UCL_TIME:
        if (v < 1)
            number(o, v * 1e3, "ms");
        else
            number(o, v, "s");
        break;
    case UCL_BOOLEAN: put_text(o, ucl_object_toboolean(value) ? "yes" : "no"); break;
    case UCL_STRING: string(o, ucl_object_tostring(value)); break;
    default: put_text(o, "null"); break;
    }
}

static void child_write(ucl_object_t *group, const ucl_object_t *child, void *context)
{
    struct output *o = context;
    (void)group;
    for (const ucl_object_t *one = child; one; one = one->next) {
        put_text(o, "child ");
        word(o, ucl_object_key(child));
        put_text(o, ucl_object_type(one) == UCL_OBJECT ? " " : " = ");
        value_write(o, one, 0);
        put_text(o, "\n");
    }
}

char *conf_write(const struct conf_text *text)
{
    struct output o = {0};
    put_text(&o, "");
    if (ucl_object_type(text->root) == UCL_OBJECT)
        items(&o, text->root, 0, "child"); // init's own
    each_child(text->root, child_write, &o);
    if (!o.failed)
        return o.text;
    free(o.text);
    return NULL;
}
