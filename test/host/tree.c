// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The interval tree, driven by random operations against an array.
// needs: kernel/tree.c kernel/timeout.c
#include "kernel/timeout.h"
#include <stdio.h>
#include <stdlib.h>

enum { NODES = 300, ROUNDS = 60000, SPACE = 2000 };

static struct tree tree;
static struct tree_node nodes[NODES];
static bool in[NODES];

static u64 state = 1234567;
static unsigned random_below(unsigned n)
{
    state = state * 6364136223846793005ul + 1442695040888963407ul;
    return (unsigned)(state >> 33) % n;
}

static void fail(const char *what)
{
    printf("FAIL %s\n", what);
    exit(1);
}

static int check_node(const struct tree_node *n, const struct tree_node *parent, u64 *max)
{
    u64 left_max = 0, right_max = 0;
    if (!n)
        return 0;
    if (n->parent != parent)
        fail("tree_parent_links");
    int l = check_node(n->left, n, &left_max), r = check_node(n->right, n, &right_max);
    if (l - r > 1 || r - l > 1 || n->balance != r - l)
        fail("tree_is_balanced");
    *max = n->last;
    if (n->left && left_max > *max)
        *max = left_max;
    if (n->right && right_max > *max)
        *max = right_max;
    if (*max != n->max_last)
        fail("tree_knows_the_largest_end");
    return (l > r ? l : r) + 1;
}

static void check_all(void)
{
    u64 max;
    unsigned count = 0, expected = 0;
    check_node(tree.root, NULL, &max);
    u64 before = 0;
    for (struct tree_node *n = tree_first(&tree); n; n = tree_next(n), count++) {
        if (n->key < before)
            fail("tree_is_in_order");
        before = n->key;
    }
    for (unsigned i = 0; i < NODES; i++)
        expected += in[i];
    if (count != expected)
        fail("tree_holds_what_was_put_in");
}

static void check_overlap(void)
{
    u64 first = random_below(SPACE), last = first + random_below(50);
    bool seen[NODES] = {0};
    u64 before = 0;
    for (struct tree_node *n = tree_overlap(&tree, first, last); n;
         n = tree_overlap_next(n, first, last)) {
        if (n->key < before || seen[n - nodes])
            fail("tree_overlaps_come_in_order");
        before = n->key;
        seen[n - nodes] = true;
    }
    for (unsigned i = 0; i < NODES; i++) {
        if (seen[i] != (in[i] && nodes[i].key <= last && nodes[i].last >= first))
            fail("tree_finds_all_overlaps");
    }
}

// Intervals with gaps: the cheap search finds what the general one finds.
static void check_disjoint(void)
{
    static struct tree_node intervals[NODES];
    struct tree disjoint = {NULL};
    u64 at = 0;
    for (unsigned i = 0; i < NODES; i++) {
        intervals[i].key = at + random_below(4);
        intervals[i].last = intervals[i].key + random_below(5);
        at = intervals[i].last + 1;
    }
    for (unsigned i = 0; i < NODES; i++)
        tree_insert(&disjoint, &intervals[i * 7 % NODES]);
    for (unsigned round = 0; round < ROUNDS; round++) {
        u64 first = random_below((unsigned)at + 10), last = first + random_below(20);
        if (tree_overlap_disjoint(&disjoint, first, last) != tree_overlap(&disjoint, first, last))
            fail("tree_finds_the_first_of_disjoint_intervals");
    }
    printf("PASS tree_finds_the_first_of_disjoint_intervals\n");
}

static u64 fired_at, fired;
static void fire(struct timeout *t)
{
    if (t->node.key < fired_at)
        fail("timeouts_fire_in_order");
    fired_at = t->node.key;
    fired++;
}

static void check_timeouts(void)
{
    static struct timeout timeouts[500];
    static struct timeout_queue queue;
    unsigned armed = 0;
    for (unsigned i = 0; i < 500; i++) {
        timeouts[i].fire = fire;
        timeout_arm(&queue, &timeouts[i], random_below(1000));
    }
    for (unsigned i = 0; i < 500; i += 3)
        timeout_cancel(&queue, &timeouts[i]);
    for (unsigned i = 0; i < 500; i++)
        armed += timeouts[i].armed;
    for (u64 now = 0; now < 1000; now += 7) {
        fired_at = 0;
        timeout_run(&queue, now);
        if (timeout_next(&queue) <= now)
            fail("timeouts_that_are_due_fire");
    }
    timeout_run(&queue, 1000);
    if (fired != armed || timeout_next(&queue) != ~0ul)
        fail("every_timeout_fires_once");
    printf("PASS timeouts_fire_in_order\n");
}

int main(void)
{
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned i = random_below(NODES);
        if (in[i] && random_below(8) == 0) {
            tree_set_last(&nodes[i], nodes[i].key + random_below(40));
        } else if (in[i]) {
            tree_remove(&tree, &nodes[i]);
            in[i] = false;
        } else {
            nodes[i].key = random_below(SPACE);
            nodes[i].last = nodes[i].key + random_below(40);
            tree_insert(&tree, &nodes[i]);
            in[i] = true;
        }
        check_overlap();
        if (round % 16 == 0)
            check_all();
    }
    printf("PASS tree_matches_the_model\n");
    check_disjoint();
    check_timeouts();
    return 0;
}
