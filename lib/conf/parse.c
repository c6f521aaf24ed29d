// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Parsing (conf.h). libucl frees nested objects by recursion, so how deep they may lie is looked at
// before it sees them: braces, brackets, and `a b c {`, which is three blocks in each other. In
// that, it takes a brace in a comment behind the names for one that counts, and so do we.
#include "lib/conf/compile.h"
#include <stdlib.h>
#include <string.h>

// Where a string or comment at `at` ends: its last character, or the text's end.
static const char *skip_string(const char *at, const char *end)
{
    char quote = *at++;
    for (; at < end && *at != quote; at++) {
        if (*at == '\\' && at + 1 < end)
            at++;
    }
    return at;
}

static const char *skip_comment(const char *at, const char *end)
{
    if (*at == '#') {
        while (at + 1 < end && at[1] != '\n')
            at++;
        return at;
    }
    for (at += 2; at + 1 < end && !(at[0] == '*' && at[1] == '/'); at++)
        ;
    return at + 1 < end ? at + 1 : end;
}

struct nesting {
    unsigned open[CONF_NESTED_MAX]; // blocks that each brace has opened
    unsigned levels, nested;
    unsigned names; // in a row on this line
    bool in_name;
};

static void nesting_names_end(struct nesting *n)
{
    n->names = 0;
    n->in_name = false;
}

static bool nesting_open(struct nesting *n)
{
    unsigned more = n->names ? n->names : 1;
    if (n->levels == CONF_NESTED_MAX || n->nested + more > CONF_NESTED_MAX)
        return false;
    n->nested += more;
    n->open[n->levels++] = more;
    nesting_names_end(n);
    return true;
}

static void nesting_comment(struct nesting *n, const char *from, const char *to)
{
    if (n->names &&
        (memchr(from, '{', (size_t)(to - from)) || memchr(from, '[', (size_t)(to - from))))
        n->nested += n->names;
}

static bool too_deep(const char *at, size_t length)
{
    const char *end = at + length;
    struct nesting n = {.levels = 0};
    for (; at < end && n.nested <= CONF_NESTED_MAX; at++) {
        bool comment = *at == '#' || (*at == '/' && at + 1 < end && at[1] == '*');
        const char *from = at;
        if (comment) {
            at = skip_comment(at, end);
            nesting_comment(&n, from, at < end ? at + 1 : end);
        } else if (*at == '{' || *at == '[') {
            if (!nesting_open(&n))
                return true;
        } else if (*at == '}' || *at == ']') {
            n.nested -= n.levels ? n.open[--n.levels] : 0;
            nesting_names_end(&n);
        } else if (strchr("\n\r;,=:", *at)) {
            nesting_names_end(&n);
        } else if (*at == ' ' || *at == '\t') {
            n.in_name = false;
        } else {
            n.names += !n.in_name;
            n.in_name = true;
            if (*at == '"' || *at == '\'')
                at = skip_string(at, end);
        }
    }
    return n.nested > CONF_NESTED_MAX;
}

// Some of libucl's messages end in "; " and a line's end.
static void complain_syntax(const char *message)
{
    size_t length = strlen(message);
    while (length > 0 && strchr(" ;\n", message[length - 1]))
        length--;
    complain("text", "%.*s", (int)length, message);
}

struct conf_text *conf_parse(const char *text, size_t length, const struct conf_log *log)
{
    complain_to(log);
    if (too_deep(text, length)) {
        complain("child", "found more than %d blocks in each other, expected fewer",
                 CONF_NESTED_MAX);
        return NULL;
    }
    struct conf_text *parsed = calloc(1, sizeof(*parsed));
    struct ucl_parser *parser = ucl_parser_new(UCL_PARSER_DEFAULT);
    bool good = parsed && parser;
    if (good && length) {
        good = ucl_parser_add_chunk(parser, (const unsigned char *)text, length) &&
               !ucl_parser_get_error(parser);
        if (!good)
            complain_syntax(ucl_parser_get_error(parser));
    }
    if (good)
        parsed->root = length ? ucl_parser_get_object(parser) : ucl_object_typed_new(UCL_OBJECT);
    if (parser)
        ucl_parser_free(parser);
    if (good && parsed->root)
        return parsed;
    free(parsed);
    return NULL;
}

void conf_free(struct conf_text *text)
{
    if (text)
        ucl_object_unref(text->root);
    free(text);
}
