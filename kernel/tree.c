// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The AVL interval tree of tree.h. Rebalancing walks from the changed place to the root and mends
// height and max_last on the way.
#include "kernel/tree.h"

static int height(const struct tree_node *n)
{
    return n ? n->height : 0;
}

static void update(struct tree_node *n)
{
    int l = height(n->left), r = height(n->right);
    n->height = (l > r ? l : r) + 1;
    n->max_last = n->last;
    if (n->left && n->left->max_last > n->max_last)
        n->max_last = n->left->max_last;
    if (n->right && n->right->max_last > n->max_last)
        n->max_last = n->right->max_last;
}

static void replace_child(struct tree *tree, struct tree_node *old, struct tree_node *with)
{
    struct tree_node *parent = old->parent;
    if (!parent)
        tree->root = with;
    else if (parent->left == old)
        parent->left = with;
    else
        parent->right = with;
    if (with)
        with->parent = parent;
}

static struct tree_node *rotate_left(struct tree *tree, struct tree_node *n)
{
    struct tree_node *r = n->right;
    replace_child(tree, n, r);
    n->right = r->left;
    if (n->right)
        n->right->parent = n;
    r->left = n;
    n->parent = r;
    update(n);
    update(r);
    return r;
}

static struct tree_node *rotate_right(struct tree *tree, struct tree_node *n)
{
    struct tree_node *l = n->left;
    replace_child(tree, n, l);
    n->left = l->right;
    if (n->left)
        n->left->parent = n;
    l->right = n;
    n->parent = l;
    update(n);
    update(l);
    return l;
}

// Mends the path from `n` up; stops where a subtree looks from above as it did before.
static void rebalance(struct tree *tree, struct tree_node *n)
{
    while (n) {
        int before = n->height, left = 0, right = 0;
        u64 max_before = n->max_last, max = n->last;
        if (n->left) {
            left = n->left->height;
            max = n->left->max_last > max ? n->left->max_last : max;
        }
        if (n->right) {
            right = n->right->height;
            max = n->right->max_last > max ? n->right->max_last : max;
        }
        if (UNLIKELY(left > right + 1)) {
            if (height(n->left->left) < height(n->left->right))
                rotate_left(tree, n->left);
            n = rotate_right(tree, n);
        } else if (UNLIKELY(right > left + 1)) {
            if (height(n->right->right) < height(n->right->left))
                rotate_right(tree, n->right);
            n = rotate_left(tree, n);
        } else {
            n->height = (left > right ? left : right) + 1;
            n->max_last = max;
        }
        if (n->height == before && n->max_last == max_before)
            return;
        n = n->parent;
    }
}

void tree_insert_at(struct tree *tree, struct tree_node *node, struct tree_place place)
{
    node->left = node->right = NULL;
    node->parent = place.parent;
    node->height = 1;
    node->max_last = node->last;
    *place.link = node;
    // Beside another leaf, and below its parent's reach: nothing above changes.
    if (place.parent && place.parent->height > 1 && place.parent->max_last >= node->last)
        return;
    rebalance(tree, place.parent);
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

void tree_remove(struct tree *tree, struct tree_node *node)
{
    struct tree_node *mend;
    if (node->left && node->right) {
        struct tree_node *next = node->right;
        while (next->left)
            next = next->left;
        mend = next->parent == node ? next : next->parent;
        if (next->parent != node) {
            replace_child(tree, next, next->right);
            next->right = node->right;
            next->right->parent = next;
        }
        replace_child(tree, node, next);
        next->left = node->left;
        next->left->parent = next;
        next->height = node->height; // what is above has seen this so far
        next->max_last = node->max_last;
        rebalance(tree, mend);
        rebalance(tree, next);
    } else {
        struct tree_node *with = node->left ? node->left : node->right;
        mend = node->parent;
        bool leaf_remains = mend && mend->left && mend->right && !with && mend->height == 2;
        replace_child(tree, node, with);
        // The other leaf keeps the parent's height; its reach stays too unless it was this one's.
        if (leaf_remains && mend->max_last != node->last)
            return;
        rebalance(tree, mend);
    }
}

void tree_set_last(struct tree_node *node, u64 last)
{
    node->last = last;
    for (; node; node = node->parent)
        update(node);
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
