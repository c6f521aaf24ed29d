// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What is different in a child between two versions of the configuration (config.h).
#include "init/config.h"
#include <libfdt.h>
#include <tessera/hypercall.h>

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && !strcmp(a, b));
}

static bool same_properties(const void *a, int node_a, const void *b, int node_b)
{
    int at_a = fdt_first_property_offset(a, node_a), at_b = fdt_first_property_offset(b, node_b);
    while (at_a >= 0 && at_b >= 0) {
        const char *name_a, *name_b;
        int length_a, length_b;
        const void *value_a = fdt_getprop_by_offset(a, at_a, &name_a, &length_a),
                   *value_b = fdt_getprop_by_offset(b, at_b, &name_b, &length_b);
        if (!value_a || !value_b || strcmp(name_a, name_b) != 0 || length_a != length_b ||
            memcmp(value_a, value_b, (size_t)length_a) != 0)
            return false;
        at_a = fdt_next_property_offset(a, at_a);
        at_b = fdt_next_property_offset(b, at_b);
    }
    return at_a < 0 && at_b < 0;
}

// Both with the same members in the same order. The depth is bounded, since a blob may lie.
static bool same_tree(const void *a, int node_a, const void *b, int node_b, unsigned depth)
{
    if (!same_properties(a, node_a, b, node_b))
        return false;
    int sub_a = fdt_first_subnode(a, node_a), sub_b = fdt_first_subnode(b, node_b);
    while (sub_a >= 0 && sub_b >= 0) {
        const char *name_a = fdt_get_name(a, sub_a, NULL), *name_b = fdt_get_name(b, sub_b, NULL);
        if (!same_text(name_a, name_b) || depth == CONFIG_DEPTH_MAX ||
            !same_tree(a, sub_a, b, sub_b, depth + 1))
            return false;
        sub_a = fdt_next_subnode(a, sub_a);
        sub_b = fdt_next_subnode(b, sub_b);
    }
    return sub_a < 0 && sub_b < 0;
}

static bool same_subtree(const void *a, int node_a, const void *b, int node_b, const char *name)
{
    int sub_a = fdt_subnode_offset(a, node_a, name), sub_b = fdt_subnode_offset(b, node_b, name);
    if (sub_a < 0 || sub_b < 0)
        return sub_a < 0 && sub_b < 0;
    return same_tree(a, sub_a, b, sub_b, 0);
}

static bool same_property(const void *a, int node_a, const void *b, int node_b, const char *name)
{
    int length_a, length_b;
    const void *value_a = fdt_getprop(a, node_a, name, &length_a),
               *value_b = fdt_getprop(b, node_b, name, &length_b);
    if (!value_a || !value_b)
        return !value_a && !value_b;
    return length_a == length_b && !memcmp(value_a, value_b, (size_t)length_a);
}

static bool same_affinity(const struct config_child *a, const struct config_child *b)
{
    return a->affinity_count == b->affinity_count &&
           !memcmp(a->affinity, b->affinity, a->affinity_count * sizeof(a->affinity[0]));
}

static bool same_supervision(const struct config_child *a, const struct config_child *b)
{
    return a->restart == b->restart && a->backoff_us == b->backoff_us && a->limit == b->limit &&
           a->heartbeat_us == b->heartbeat_us && a->start == b->start;
}

u32 config_difference(const struct config *old, const struct config_child *a,
                      const struct config *new, const struct config_child *b)
{
    u32 changes = 0;
    bool held = a->budget_us, holds = b->budget_us; // a pool cannot be joined or left
    if (!same_text(a->binary, b->binary) || !same_text(a->args, b->args) || !same_affinity(a, b) ||
        a->debug != b->debug || held != holds)
        changes |= CHANGE_LIFE;
    if (a->budget_us != b->budget_us || a->period_us != b->period_us)
        changes |= CHANGE_BUDGET;
    if (a->priority != b->priority)
        changes |= CHANGE_PRIORITY;
    if (a->ram_bytes != b->ram_bytes)
        changes |= CHANGE_RAM;
    if (a->caps != b->caps || a->kmem_bytes != b->kmem_bytes)
        changes |= CHANGE_KERNEL;
    if (a->keep_bytes != b->keep_bytes)
        changes |= CHANGE_KEEP;
    if (!same_supervision(a, b))
        changes |= CHANGE_SUPERVISION;
    if (!same_property(old->blob, a->node, new->blob, b->node, "provides"))
        changes |= CHANGE_PROVIDES;
    if (!same_subtree(old->blob, a->node, new->blob, b->node, "route"))
        changes |= CHANGE_ROUTES;
    if (!same_subtree(old->blob, a->node, new->blob, b->node, "config"))
        changes |= CHANGE_BLOCK;
    return changes;
}
