// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Deadlines of one CPU, in TSC ticks, in a balanced tree; the LAPIC timer is armed for the first.
#pragma once

#include <tessera/tree.h>

struct timeout {
    struct tree_node node; // key = deadline
    bool armed;
    void (*fire)(struct timeout *timeout);
};

struct timeout_queue {
    struct tree tree;
    struct tree_node *first;
};

void timeout_arm(struct timeout_queue *queue, struct timeout *timeout, u64 deadline);
void timeout_cancel(struct timeout_queue *queue, struct timeout *timeout);
// Fires, in order, all whose deadline is not after `now`.
void timeout_run(struct timeout_queue *queue, u64 now);
// The first deadline, or ~0.
u64 timeout_next(const struct timeout_queue *queue);
