// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Deadlines (timeout.h). The first node is cached, so that asking for it is free.
#include "kernel/timeout.h"

void timeout_arm(struct timeout_queue *queue, struct timeout *timeout, u64 deadline)
{
    timeout->node.key = timeout->node.last = deadline;
    tree_insert(&queue->tree, &timeout->node);
    timeout->armed = true;
    if (!queue->first || deadline < queue->first->key)
        queue->first = &timeout->node;
}

void timeout_cancel(struct timeout_queue *queue, struct timeout *timeout)
{
    if (!timeout->armed)
        return;
    timeout->armed = false;
    if (queue->first == &timeout->node)
        queue->first = tree_next(&timeout->node);
    tree_remove(&queue->tree, &timeout->node);
}

void timeout_run(struct timeout_queue *queue, u64 now)
{
    while (queue->first && queue->first->key <= now) {
        struct timeout *timeout = CONTAINER_OF(queue->first, struct timeout, node);
        timeout_cancel(queue, timeout);
        timeout->fire(timeout);
    }
}

u64 timeout_next(const struct timeout_queue *queue)
{
    return queue->first ? queue->first->key : ~0ul;
}
