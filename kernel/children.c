// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The children of a mapping (mapping.h): a list, since most are never looked for, they go by their
// place in their own space. Only when a range is asked which of its children touch some frames,
// those behind the first few move to an interval tree, each once, a bounded number at a time.
#include "kernel/mapping.h"

void child_link(struct mapping *parent, struct mapping *m)
{
    m->parent = parent;
    m->next = parent->child;
    m->link = &parent->child;
    if (m->next)
        m->next->link = &m->next;
    parent->child = m;
}

static void list_remove(struct mapping *m)
{
    *m->link = m->next;
    if (m->next)
        m->next->link = m->link;
}

void child_unlink(struct mapping *m)
{
    if (LIKELY(m->link))
        list_remove(m);
    else
        tree_remove(&m->parent->children, &m->in_parent);
}

struct mapping *child_any(struct mapping *m)
{
    if (m->child || m->kind == CRD_OBJ || !m->children.root)
        return m->child;
    return CONTAINER_OF(m->children.root, struct mapping, in_parent);
}

static void to_tree(struct mapping *m)
{
    list_remove(m);
    m->link = NULL;
    m->in_parent.key = m->frame;
    m->in_parent.last = m->frame + m->count - 1;
    tree_insert(&m->parent->children, &m->in_parent);
}

bool children_settle(struct mapping *m, unsigned most)
{
    struct mapping *few = m->child;
    for (unsigned i = 1; few && i < CHILDREN_LISTED; i++)
        few = few->next;
    if (LIKELY(!few))
        return true;
    while (few->next && most-- > 0)
        to_tree(few->next);
    return !few->next;
}

struct mapping *children_overlap(struct mapping *m, u64 first, u64 last)
{
    for (struct mapping *child = m->child; child; child = child->next) {
        if (child->frame <= last && child->frame + child->count - 1 >= first)
            return child;
    }
    struct tree_node *node = m->children.root ? tree_overlap(&m->children, first, last) : NULL;
    return node ? CONTAINER_OF(node, struct mapping, in_parent) : NULL;
}

void children_move(struct mapping *from, u64 at, struct mapping *to)
{
    for (struct mapping *child = from->child, *next; child; child = next) {
        next = child->next;
        if (child->frame < at)
            continue;
        list_remove(child);
        child_link(to, child);
    }
    struct tree_node *node;
    while ((node = tree_overlap(&from->children, at, ~0ul))) {
        struct mapping *child = CONTAINER_OF(node, struct mapping, in_parent);
        tree_remove(&from->children, node);
        child_link(to, child);
    }
}
