// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// From UCL text to init's flattened tree (lib/conf/form.h): what the files of lib/conf share.
#pragma once

#include "lib/conf/conf.h"
#include <stdbool.h>
#include <stdint.h>
#include <ucl.h>

struct conf_text {
    ucl_object_t *root;
};

// The longest path of an item in a message; longer ones are cut.
enum { PATH_SIZE = 512 };

// compile.c: where complaints go from now on, and the name that they begin with.
void complain_to(const struct conf_log *log);
// compile.c: counts an error and tells "NAME: PATH: found ..., expected ...".
__attribute__((format(printf, 2, 3))) void complain(const char *path, const char *format, ...);
// compile.c: writes the path of `key` in `path` into `below`.
void path_below(char below[PATH_SIZE], const char *path, const char *key);
// compile.c: a complaint if libfdt has no room or refuses, once; what it is asked later it refuses.
void must(int error);
// The tree, while it is written.
extern void *fdt;

// compile.c: calls `visit` for each child, in the text's order. `group` is the object that has the
// child by its name.
void each_child(ucl_object_t *root,
                void (*visit)(ucl_object_t *group, const ucl_object_t *child, void *context),
                void *context);
// compile.c: the child of that name in the configuration that is being compiled, or NULL.
const ucl_object_t *child_find(const char *name);
// compile.c: what an init reads: its own items and its children, into the node that has been begun.
// `path` is that of the block, "" for the whole text.
void init_compile(const char *path, const ucl_object_t *block);

// child.c: checks and writes one child.
void child_compile(const char *path, const char *name, const ucl_object_t *child);
// child.c: a number of such a kind and range as the property `name`.
void time_compile(const char *path, const char *name, const ucl_object_t *value, double low,
                  double high);
// child.c: one text or a list of them, as the property `name`.
void texts_compile(const char *path, const char *name, const ucl_object_t *value);
// child.c: whether its `provides` has the service.
bool child_provides(const ucl_object_t *child, const char *service);
// child.c: a number of bytes with the largest unit that leaves it whole.
const char *bytes_text(double bytes, char *text, size_t size);
// child.c: a text of less than `size` bytes, as a property.
void text_compile(const char *path, const char *name, const ucl_object_t *value, size_t size);

// route.c: the `route` block of a child.
void routes_compile(const char *path, const ucl_object_t *block);
// route.c: where sessions of `service` go, as the properties "kind" and "to".
void target_compile(const char *path, const char *service, const ucl_object_t *value);

// init.c: an init's own item `key`, if it is one; else false.
bool init_item_compile(const char *path, const char *key, const ucl_object_t *value);

// policy.c: the `policy` blocks of a `config` block, as a node of that name.
void policies_compile(const char *path, const ucl_object_t *first, unsigned depth);

// value.c: what a scalar is. libucl leaves a number text when a `}` follows on its line, so text is
// read again.
enum scalar {
    SCALAR_TEXT,
    SCALAR_NUMBER,
    SCALAR_FRACTION,
    SCALAR_TIME,
    SCALAR_BOOLEAN,
    SCALAR_OTHER
};
// *number: the number, the seconds, or 0 and 1.
enum scalar scalar_read(const ucl_object_t *value, double *number);
// value.c: any value of a `config` block, as property or node; `depth`: of nodes above it. A block
// that is the value of several items of one name is written as one, without the others.
void value_compile(const char *path, const char *name, const ucl_object_t *value, unsigned depth);
// value.c: a value for a message. The text stays until the next call.
const char *value_text(const ucl_object_t *value);
