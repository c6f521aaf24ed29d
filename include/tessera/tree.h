// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Intrusive balanced (AVL) search tree of intervals. Each node covers [key, last]; every node knows
// the largest `last` below it, so that all nodes that intersect a range are found in O(log n) each.
// The kernel keeps in it memory and port spaces (key = page), a mapping's children (key = frame)
// and deadlines, sigma0 its region maps. The tree owns nothing and takes no lock: its user holds
// the lock that guards it.
#pragma once

#include <tessera/types.h>

struct tree_node {
    struct tree_node *left, *right, *parent;
    u64 key, last, max_last;
    int balance;
};

struct tree {
    struct tree_node *root;
};

// Inserts `node`, whose key and last are set; equal keys are kept in order of insertion.
void tree_insert(struct tree *tree, struct tree_node *node);
// A place for a new node in a tree in which no two nodes intersect.
struct tree_place {
    struct tree_node **link, *parent;
};
// Finds the place of [first, last]; false if a node intersects it. Valid until the tree changes.
bool tree_gap(struct tree *tree, u64 first, u64 last, struct tree_place *place);
void tree_insert_at(struct tree *tree, struct tree_node *node, struct tree_place place);
// Removes `node`, which must be in `tree`.
void tree_remove(struct tree *tree, struct tree_node *node);
// Sets a node's upper end in place (its key stays) and mends max_last above it.
void tree_set_last(struct tree_node *node, u64 last);
// Returns the first node in key order, or NULL.
struct tree_node *tree_first(const struct tree *tree);
// Returns the node after `node` in key order, or NULL.
struct tree_node *tree_next(const struct tree_node *node);
// Returns the first node in key order that intersects [first, last], or NULL.
struct tree_node *tree_overlap(const struct tree *tree, u64 first, u64 last);
// The same, cheaper, for a tree in which no two nodes intersect.
struct tree_node *tree_overlap_disjoint(const struct tree *tree, u64 first, u64 last);
// Returns the next node after `node` that intersects [first, last], or NULL.
struct tree_node *tree_overlap_next(const struct tree_node *node, u64 first, u64 last);
