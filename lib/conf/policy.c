// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The `policy` blocks of a server's `config` block (lib/policy/policy.h): each says in exactly one
// way for which labels it is, and no two are for the same. What else stands in them is the
// server's. They become a node "policy" with members 0, 1, ...
#include "lib/service/protocol.h"
#include "lib/conf/compile.h"
#include <libfdt.h>
#include <stdio.h>
#include <string.h>

static const char *const selectors[] = {"label", "label_prefix", "label_suffix", "default"};
enum { SELECTORS = sizeof(selectors) / sizeof(selectors[0]), DEFAULT = SELECTORS - 1 };

static const ucl_object_t *selector_of(const ucl_object_t *policy, unsigned *which)
{
    const ucl_object_t *found = NULL;
    for (unsigned i = 0; i < SELECTORS; i++) {
        const ucl_object_t *value = ucl_object_lookup(policy, selectors[i]);
        if (value && found)
            return NULL;
        if (value) {
            found = value;
            *which = i;
        }
    }
    return found;
}

static void check_selector(const char *path, const ucl_object_t *policy)
{
    unsigned which = 0;
    double yes;
    char below[PATH_SIZE];
    const ucl_object_t *value = selector_of(policy, &which);
    if (!value) {
        complain(path, "found none or several of them, expected one of label, label_prefix, "
                       "label_suffix or `default = yes`");
        return;
    }
    path_below(below, path, selectors[which]);
    const char *text = ucl_object_type(value) == UCL_STRING ? ucl_object_tostring(value) : "";
    if (which == DEFAULT) {
        if (scalar_read(value, &yes) != SCALAR_BOOLEAN || !yes)
            complain(below, "found \"%s\", expected yes", value_text(value));
    } else if (!*text || strlen(text) >= SERVICE_LABEL_MAX) {
        complain(below, "found \"%s\", expected a text of at most %d characters", value_text(value),
                 SERVICE_LABEL_MAX - 1);
    }
}

static void check_twice(const char *path, const ucl_object_t *first, const ucl_object_t *policy)
{
    unsigned which = 0, other = 0;
    const ucl_object_t *value = selector_of(policy, &which);
    for (const ucl_object_t *p = first; p != policy && value; p = p->next) {
        const ucl_object_t *before =
            ucl_object_type(p) == UCL_OBJECT ? selector_of(p, &other) : NULL;
        if (before && which == other && ucl_object_compare(before, value) == 0)
            complain(path, "found a second policy for %s = \"%s\", expected one", selectors[which],
                     value_text(value));
    }
}

void policies_compile(const char *path, const ucl_object_t *first, unsigned depth)
{
    unsigned index = 0;
    must(fdt_begin_node(fdt, "policy"));
    for (const ucl_object_t *policy = first; policy; policy = policy->next) {
        char below[PATH_SIZE], number[16];
        snprintf(number, sizeof(number), "%u", index++);
        path_below(below, path, number);
        if (ucl_object_type(policy) != UCL_OBJECT) {
            complain(below, "found \"%s\", expected a block { ... }", value_text(policy));
            continue;
        }
        check_selector(below, policy);
        check_twice(below, first, policy);
        value_compile(below, number, policy, depth + 1);
    }
    must(fdt_end_node(fdt));
}
