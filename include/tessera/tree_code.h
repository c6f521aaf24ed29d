// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The AVL interval tree of tree.h: its one source, which the kernel and lib/tree each compile once,
// with their own flags. Do not include it for the interface. A node's balance is the height of its
// right subtree less that of its left one; `side` below is 1 for right and -1 for left in the same
// sense. First max_last is mended on the way up, as far as it changes, then the balance; a turn
// keeps both.
#pragma once

#include <tessera/tree.h>

static struct tree_node **child_at(struct tree_node *n, int side)
{
    return side > 0 ? &n->right : &n->left;
}

static int side_of(const struct tree_node *parent, const struct tree_node *n)
{
    return parent->right == n ? 1 : -1;
}

static u64 reach_of(const struct tree_node *n)
{
    u64 reach = n->last;
    if (n->left && n->left->max_last > reach)
        reach = n->left->max_last;
    if (n->right && n->right->max_last > reach)
        reach = n->right->max_last;
    return reach;
}

static void mend_reach(struct tree_node *n)
{
    for (; n; n = n->parent) {
        u64 reach = reach_of(n);
        if (reach == n->max_last)
            return;
        n->max_last = reach;
    }
}

static void replace_child(struct tree *tree, struct tree_node *old, struct tree_node *with)
{
    struct tree_node *parent = old->parent;
    *(parent ? child_at(parent, side_of(parent, old)) : &tree->root) = with;
    if (with)
        with->parent = parent;
}

// Turns `n` above its parent.
static void lift(struct tree *tree, struct tree_node *n)
{
    struct tree_node *parent = n->parent;
    int side = side_of(parent, n);
    struct tree_node *inner = *child_at(n, -side);
    replace_child(tree, parent, n);
    *child_at(parent, side) = inner;
    if (inner)
        inner->parent = parent;
    *child_at(n, -side) = parent;
    parent->parent = n;
    n->max_last = parent->max_last;
    parent->max_last = reach_of(parent);
}

// The subtree at `n` is higher by two at `side`. Returns its new top: lower by one than it was,
// unless its balance is not 0.
static struct tree_node *turn(struct tree *tree, struct tree_node *n, int side)
{
    struct tree_node *top = *child_at(n, side), *low = top;
    if (top->balance == -side) {
        top = *child_at(low, -side);
        lift(tree, top);
        lift(tree, top);
        n->balance = top->balance == side ? -side : 0;
        low->balance = top->balance == -side ? side : 0;
        top->balance = 0;
        return top;
    }
    lift(tree, top);
    n->balance = top->balance ? 0 : side;
    top->balance = top->balance ? 0 : -side;
    return top;
}

void tree_insert_at(struct tree *tree, struct tree_node *node, struct tree_place place)
{
    node->left = node->right = NULL;
    node->parent = place.parent;
    node->balance = 0;
    node->max_last = node->last;
    *place.link = node;
    struct tree_node *n = node, *parent = place.parent;
    for (; parent && parent->max_last < node->last; parent = parent->parent)
        parent->max_last = node->last;
    for (; (parent = n->parent); n = parent) {
        int side = side_of(parent, n);
        if (parent->balance == side) {
            turn(tree, parent, side);
            return;
        }
        parent->balance += side;
        if (!parent->balance)
            return;
    }
}

void tree_insert(struct tree *tree, struct tree_node *node)
{
    struct tree_place place = {&tree->root, NULL};
    while (*place.link) {
        place.parent = *place.link;
        place.link = node->key < place.parent->key ? &place.parent->left : &place.parent->right;
    }
    tree_insert_at(tree, node, place);
}

bool tree_gap(struct tree *tree, u64 first, u64 last, struct tree_place *place)
{
    struct tree_node **link = &tree->root, *parent = NULL;
    while (*link) {
        parent = *link;
        if (last < parent->key)
            link = &parent->left;
        else if (first > parent->last)
            link = &parent->right;
        else
            return false;
    }
    *place = (struct tree_place){link, parent};
    return true;
}

// The subtree of `n` at `side` is lower than it was.
static void shrunk(struct tree *tree, struct tree_node *n, int side)
{
    while (n) {
        struct tree_node *parent = n->parent;
        int next_side = parent ? side_of(parent, n) : 0;
        if (n->balance == -side) {
            if (turn(tree, n, -side)->balance)
                return;
        } else {
            n->balance -= side;
            if (n->balance)
                return;
        }
        n = parent;
        side = next_side;
    }
}

void tree_remove(struct tree *tree, struct tree_node *node)
{
    struct tree_node *mend = node->parent;
    int side = mend ? side_of(mend, node) : 0;
    if (!node->left || !node->right) {
        replace_child(tree, node, node->left ? node->left : node->right);
    } else {
        // The next one takes its place.
        struct tree_node *next = node->right;
        mend = next;
        side = 1;
        if (next->left) {
            while (next->left)
                next = next->left;
            mend = next->parent;
            side = -1;
            replace_child(tree, next, next->right);
            next->right = node->right;
            next->right->parent = next;
        }
        replace_child(tree, node, next);
        next->left = node->left;
        next->left->parent = next;
        next->balance = node->balance;
        next->max_last = node->max_last; // what is above has seen this so far
        if (mend != next)
            mend_reach(mend);
        mend_reach(next);
        shrunk(tree, mend, side);
        return;
    }
    if (mend && mend->max_last == node->last)
        mend_reach(mend);
    shrunk(tree, mend, side);
}

void tree_set_last(struct tree_node *node, u64 last)
{
    node->last = last;
    mend_reach(node);
}

struct tree_node *tree_first(const struct tree *tree)
{
    struct tree_node *n = tree->root;
    while (n && n->left)
        n = n->left;
    return n;
}

struct tree_node *tree_next(const struct tree_node *node)
{
    if (node->right) {
        struct tree_node *n = node->right;
        while (n->left)
            n = n->left;
        return n;
    }
    while (node->parent && node->parent->right == node)
        node = node->parent;
    return node->parent;
}

// The leftmost intersecting node of the subtree at `n`: if the left subtree reaches `first` at all,
// either it holds the answer or everything from there on begins after `last`.
static struct tree_node *overlap_in(struct tree_node *n, u64 first, u64 last)
{
    while (n && n->max_last >= first) {
        if (n->left && n->left->max_last >= first)
            n = n->left;
        else if (n->key > last)
            return NULL;
        else if (n->last >= first)
            return n;
        else
            n = n->right;
    }
    return NULL;
}

struct tree_node *tree_overlap(const struct tree *tree, u64 first, u64 last)
{
    return overlap_in(tree->root, first, last);
}

struct tree_node *tree_overlap_disjoint(const struct tree *tree, u64 first, u64 last)
{
    struct tree_node *n = tree->root, *found = NULL;
    while (n) {
        if (n->last < first) {
            n = n->right;
        } else if (n->key <= first) {
            return n;
        } else {
            found = n;
            n = n->left;
        }
    }
    return found && found->key <= last ? found : NULL;
}

struct tree_node *tree_overlap_next(const struct tree_node *node, u64 first, u64 last)
{
    struct tree_node *found = overlap_in(node->right, first, last);
    while (!found && node->parent) {
        bool was_left = node->parent->left == node;
        node = node->parent;
        if (!was_left)
            continue;
        if (node->key > last)
            return NULL;
        found =
            node->last >= first ? (struct tree_node *)node : overlap_in(node->right, first, last);
    }
    return found;
}
