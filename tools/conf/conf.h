// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// conf: from UCL text to init's flattened tree (init/config.h). What its files share.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <ucl.h>

// Counts an error and prints "FILE: PATH: found ..., expected ...".
__attribute__((format(printf, 2, 3))) void complain(const char *path, const char *format, ...);
// The whole configuration, for looking at other children.
extern const ucl_object_t *root;
extern void *fdt;
// Stops with a message if libfdt has no room or refuses.
void must(int error);

// Writes one child.
void child_compile(const char *name, const ucl_object_t *child);
// Whether a child of that name exists, and whether it provides `service`.
const ucl_object_t *child_find(const char *name);
bool child_provides(const ucl_object_t *child, const char *service);
// What a scalar is: libucl leaves a number text when a `}` follows on its line, so text is read again.
enum scalar { SCALAR_TEXT, SCALAR_NUMBER, SCALAR_FRACTION, SCALAR_TIME, SCALAR_BOOLEAN, SCALAR_OTHER };
// *number: the number, the seconds, or 0 and 1.
enum scalar scalar_read(const ucl_object_t *value, double *number);
// Any value of a `config` block, as property or node.
void value_compile(const char *path, const char *name, const ucl_object_t *value);
