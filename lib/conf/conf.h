// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The configuration compiler (doc/configuration.md): UCL text is parsed, changed, checked against
// the schema and written as init's flattened tree or as text. The host's tools/conf and the
// component servers/config are made of the same files.
//
// Syntax errors come from libucl with line and column; all others name the item's path, what was
// found and what was expected. All of them are told, one is enough to make nothing. One thread at a
// time.
#pragma once

#include <stdbool.h>
#include <stddef.h>

// Where errors are told: `line` is called for each, without its end.
struct conf_log {
    const char *name; // of the text, for messages
    void (*line)(void *context, const char *text);
    void *context;
};

// A text, parsed.
struct conf_text;

// More blocks in each other are refused: each takes a piece of the stack.
enum { CONF_NESTED_MAX = 64 };

// Parses. NULL if it is no UCL, which has been told. The caller's: conf_free.
struct conf_text *conf_parse(const char *text, size_t length, const struct conf_log *log);
void conf_free(struct conf_text *text);

// Checks and compiles into `tree`, of `size` bytes. Returns the bytes that it takes, 0 if there is
// an error.
size_t conf_compile(const struct conf_text *text, void *tree, size_t size,
                    const struct conf_log *log);

// Gives the item at `path` (CHILD.ITEM or deeper, or CHILD for all of it) the value that the text
// `value` describes; what leads to it is made. An empty value removes the item. False if that does
// not go, which has been told. Whether the whole is right then conf_compile says.
bool conf_set(struct conf_text *text, const char *path, const char *value,
              const struct conf_log *log);

// The text, written anew: one item a line, without the comments. NULL without memory. The caller's,
// for free().
char *conf_write(const struct conf_text *text);
