// needs: servers/timer/queue.c
// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The timers' queue against a plain array: thousands of nodes that come, go and change at random.
#include "servers/timer/queue.h"
#include "test/host/check.h"

enum { NODES = 5000, STEPS = 400000 };

static struct queue queue;
static struct queue_node nodes[NODES];
static u64 model[NODES]; // deadline, 0: not queued

static u64 model_first(void)
{
    u64 first = UINT64_MAX;
    for (unsigned i = 0; i < NODES; i++) {
        if (model[i] && model[i] < first)
            first = model[i];
    }
    return first;
}

static void empty_queue_has_no_first(void)
{
    struct queue empty = {0};
    struct queue_node node = {0};
    CHECK(!queue_first(&empty));
    queue_remove(&empty, &node); // not queued: nothing happens
    CHECK(!queue_first(&empty));
}

static void one_node_comes_and_goes(void)
{
    struct queue one = {0};
    struct queue_node node = {0};
    queue_insert(&one, &node, 7);
    CHECK(queue_first(&one) == &node && node.queued && node.deadline == 7);
    queue_remove(&one, &node);
    CHECK(!queue_first(&one) && !node.queued);
}

static void queue_agrees_with_model(void)
{
    for (unsigned step = 0; step < STEPS; step++) {
        unsigned i = (unsigned)random_below(NODES);
        if (nodes[i].queued != (model[i] != 0))
            CHECK(!"queued disagrees");
        queue_remove(&queue, &nodes[i]);
        model[i] = random_below(4) ? 1 + random_below(1000000) : 0;
        if (model[i])
            queue_insert(&queue, &nodes[i], model[i]);
        if (step % 101 == 0) {
            struct queue_node *first = queue_first(&queue);
            CHECK((first ? first->deadline : UINT64_MAX) == model_first());
        }
        if (step % 7 == 0 && queue_first(&queue)) {
            struct queue_node *first = queue_first(&queue);
            CHECK(model[first - nodes] == first->deadline);
            model[first - nodes] = 0;
            queue_remove(&queue, first);
        }
    }
}

static void queue_empties_in_order(void)
{
    unsigned left = 0, taken = 0;
    u64 last = 0;
    struct queue_node *first;
    for (unsigned i = 0; i < NODES; i++)
        left += model[i] != 0;
    while ((first = queue_first(&queue))) {
        CHECK(first->deadline >= last && model[first - nodes] == first->deadline);
        last = first->deadline;
        queue_remove(&queue, first);
        taken++;
    }
    CHECK(left == taken && left > 0);
}

// A hundred thousand in descending order and in ascending order: deep and wide trees, no recursion.
static void long_chains_do_not_recurse(void)
{
    enum { MANY = 100000 };
    struct queue_node *many = calloc(MANY, sizeof(*many));
    struct queue chain = {0};
    for (unsigned pass = 0; pass < 2; pass++) {
        for (unsigned i = 0; i < MANY; i++)
            queue_insert(&chain, &many[i], pass ? i + 1 : MANY - i);
        for (unsigned i = 0; i < MANY; i++) {
            CHECK(queue_first(&chain) == &many[pass ? i : MANY - 1 - i]);
            queue_remove(&chain, queue_first(&chain));
        }
        CHECK(!queue_first(&chain));
    }
    free(many);
}

int main(void)
{
    RUN(empty_queue_has_no_first);
    RUN(one_node_comes_and_goes);
    RUN(queue_agrees_with_model);
    RUN(queue_empties_in_order);
    RUN(long_chains_do_not_recurse);
    return check_failures != 0;
}
