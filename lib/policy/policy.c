// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Finding the policy for a label (policy.h). The tree may be anything that libfdt takes for one.
#include "lib/policy/policy.h"
#include <libfdt.h>

const char *policy_text(const void *config, int policy, const char *name)
{
    int length;
    const char *text = fdt_getprop(config, policy, name, &length);
    return text && length > 0 && !text[length - 1] ? text : NULL;
}

// Better kinds are larger, within a kind longer texts; 0: it is not for this label.
enum { KIND_DEFAULT = 1, KIND_SUFFIX = 2, KIND_PREFIX = 3, KIND_EXACT = 4, KIND_SHIFT = 32 };

static u64 rank_of(const void *config, int policy, const char *label)
{
    const char *text;
    size_t length = strlen(label), part;
    if ((text = policy_text(config, policy, "label")))
        return strcmp(text, label) == 0 ? (u64)KIND_EXACT << KIND_SHIFT : 0;
    if ((text = policy_text(config, policy, "label_prefix"))) {
        part = strlen(text);
        return strncmp(text, label, part) == 0 ? (u64)KIND_PREFIX << KIND_SHIFT | part : 0;
    }
    if ((text = policy_text(config, policy, "label_suffix"))) {
        part = strlen(text);
        bool ends = part <= length && strcmp(label + length - part, text) == 0;
        return ends ? (u64)KIND_SUFFIX << KIND_SHIFT | part : 0;
    }
    return fdt_getprop(config, policy, "default", NULL) ? (u64)KIND_DEFAULT << KIND_SHIFT : 0;
}

int policy_match(const void *config, const char *label)
{
    int policies = fdt_subnode_offset(config, 0, "policy"), best = -1;
    u64 best_rank = 0;
    if (policies < 0)
        return policies;
    for (int node = fdt_first_subnode(config, policies); node >= 0;
         node = fdt_next_subnode(config, node)) {
        u64 rank = rank_of(config, node, label);
        if (rank > best_rank) {
            best_rank = rank;
            best = node;
        }
    }
    return best;
}
