// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Pairing heap (queue.h): M. L. Fredman, R. Sedgewick, D. D. Sleator, R. E. Tarjan, "The pairing
// heap: a new form of self-adjusting heap", Algorithmica 1 (1986).
#include "servers/timer/queue.h"

// Joins two trees (roots without siblings); the later root becomes the earlier one's first child.
static struct queue_node *join(struct queue_node *a, struct queue_node *b)
{
    if (!a || !b)
        return a ? a : b;
    if (b->deadline < a->deadline) {
        struct queue_node *earlier = b;
        b = a;
        a = earlier;
    }
    b->next = a->child;
    b->prev = a;
    if (a->child)
        a->child->prev = b;
    a->child = b;
    return a;
}

// One tree of a list of siblings: pairs from the left, then all pairs from the right.
static struct queue_node *join_siblings(struct queue_node *first)
{
    struct queue_node *pairs = NULL, *result = NULL;
    while (first) {
        struct queue_node *a = first, *b = a->next;
        first = b ? b->next : NULL;
        a->next = a->prev = NULL;
        if (b)
            b->next = b->prev = NULL;
        a = join(a, b);
        a->next = pairs;
        pairs = a;
    }
    while (pairs) {
        struct queue_node *next = pairs->next;
        pairs->next = NULL;
        result = join(result, pairs);
        pairs = next;
    }
    return result;
}

void queue_insert(struct queue *queue, struct queue_node *node, u64 deadline)
{
    *node = (struct queue_node){.deadline = deadline, .queued = true};
    queue->root = join(queue->root, node);
}

void queue_remove(struct queue *queue, struct queue_node *node)
{
    if (!node->queued)
        return;
    struct queue_node *rest = join_siblings(node->child);
    if (queue->root == node) {
        queue->root = rest;
    } else {
        if (node->prev->child == node)
            node->prev->child = node->next;
        else
            node->prev->next = node->next;
        if (node->next)
            node->next->prev = node->prev;
        queue->root = join(queue->root, rest);
    }
    *node = (struct queue_node){0};
}
