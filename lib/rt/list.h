// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Doubly linked, circular, intrusive lists. A list is a node that is no element; an element that is
// in no list points to itself, so that list_remove may be called twice.
#pragma once

#include <tessera/types.h>

struct list {
    struct list *next, *prev;
};

#define LIST_INIT(name)                                                                            \
    {                                                                                              \
        &(name), &(name)                                                                           \
    }
// The struct of `type` whose `member` is the node.
#define LIST_ENTRY(node, type, member) CONTAINER_OF(node, type, member)
// Goes through all elements; the current one may be removed.
#define LIST_FOREACH(node, head)                                                                   \
    for (struct list *node = (head)->next, *node##_next = node->next; node != (head);              \
         node = node##_next, node##_next = node->next)

static inline void list_init(struct list *l)
{
    l->next = l->prev = l;
}
static inline bool list_empty(const struct list *l)
{
    return l->next == l;
}
static inline void list_insert(struct list *after, struct list *node)
{
    node->next = after->next;
    node->prev = after;
    after->next->prev = node;
    after->next = node;
}
static inline void list_push_front(struct list *head, struct list *node)
{
    list_insert(head, node);
}
static inline void list_push_back(struct list *head, struct list *node)
{
    list_insert(head->prev, node);
}
static inline void list_remove(struct list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_init(node);
}
// Takes the first element out; NULL if there is none.
static inline struct list *list_pop_front(struct list *head)
{
    struct list *node = head->next;
    if (node == head)
        return NULL;
    list_remove(node);
    return node;
}
