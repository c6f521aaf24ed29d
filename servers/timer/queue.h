// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What is due next: a pairing heap of nodes that lie in what is queued, so that arming a timer
// needs no memory and cannot fail. Inserting takes constant time, taking out anywhere a time
// logarithmic in the number of nodes (amortised). No lock of its own, no recursion.
#pragma once

#include <tessera/types.h>

struct queue_node {
    u64 deadline;
    struct queue_node *child; // the first of those that are not due before this one
    struct queue_node *next;  // sibling
    struct queue_node *prev;  // sibling before, or for the first one the parent
    bool queued;
};

struct queue {
    struct queue_node *root;
};

// The earliest node, NULL if there is none.
static inline struct queue_node *queue_first(const struct queue *queue)
{
    return queue->root;
}
// Queues a node, which must not be queued, for `deadline`.
void queue_insert(struct queue *queue, struct queue_node *node, u64 deadline);
// Takes a node out; does nothing if it is not queued.
void queue_remove(struct queue *queue, struct queue_node *node);
