// needs: init/config.c init/difference.c -lfdt
// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What init finds different between two versions of a child: random pairs of trees against the
// items that were made different.
#include "init/config.h"
#include "lib/rt/heap.h"
#include "test/host/check.h"
#include <libfdt.h>
#include <string.h>

enum { TREE_MAX = 8192, ROUNDS = 20000, ITEMS = 15 };

// Items of a child; values are 0 (left out) to 2.
enum {
    BINARY,
    ARGS,
    AFFINITY,
    PRIORITY,
    BUDGET,
    RAM,
    CAPS,
    KMEM,
    KEEP,
    RESTART,
    HEARTBEAT,
    PROVIDES,
    ROUTE,
    BLOCK,
    BELOW
};
static const u32 change_of[ITEMS] = {[BINARY] = CHANGE_LIFE,
                                     [ARGS] = CHANGE_LIFE,
                                     [AFFINITY] = CHANGE_LIFE,
                                     [PRIORITY] = CHANGE_PRIORITY,
                                     [BUDGET] = CHANGE_BUDGET,
                                     [RAM] = CHANGE_RAM,
                                     [CAPS] = CHANGE_KERNEL,
                                     [KMEM] = CHANGE_KERNEL,
                                     [KEEP] = CHANGE_KEEP,
                                     [RESTART] = CHANGE_SUPERVISION,
                                     [HEARTBEAT] = CHANGE_SUPERVISION,
                                     [PROVIDES] = CHANGE_PROVIDES,
                                     [ROUTE] = CHANGE_ROUTES,
                                     [BLOCK] = CHANGE_BLOCK,
                                     [BELOW] = CHANGE_BLOCK};

void *heap_zalloc(size_t bytes)
{
    return calloc(1, bytes);
}

static void number(void *tree, const char *name, int value, u64 unit)
{
    if (value)
        CHECK(!fdt_property_u64(tree, name, (u64)value * unit));
}

static void string(void *tree, const char *name, int value)
{
    if (value)
        CHECK(!fdt_property_string(tree, name, value == 1 ? "one" : "other"));
}

static void node(void *tree, const char *name, const char *item, int value, int below)
{
    if (!value && !below)
        return;
    CHECK(!fdt_begin_node(tree, name));
    string(tree, item, value);
    if (below) {
        CHECK(!fdt_begin_node(tree, "below"));
        number(tree, "n", below, 7);
        CHECK(!fdt_end_node(tree));
    }
    CHECK(!fdt_end_node(tree));
}

// A tree with a child; `stranger`: of something else before it.
static void make(void *tree, const int v[ITEMS], bool stranger)
{
    int error = fdt_create(tree, TREE_MAX) | fdt_finish_reservemap(tree) | fdt_begin_node(tree, "");
    if (stranger)
        error |= fdt_begin_node(tree, "stranger") | fdt_end_node(tree);
    CHECK(!(error | fdt_begin_node(tree, "child")));
    string(tree, "binary", v[BINARY]);
    string(tree, "args", v[ARGS]);
    if (v[AFFINITY])
        CHECK(!fdt_property_u32(tree, "affinity", (u32)v[AFFINITY]));
    number(tree, "priority", v[PRIORITY], 10);
    number(tree, "budget", v[BUDGET], 1000);
    number(tree, "ram", v[RAM], 4096);
    number(tree, "caps", v[CAPS], 100);
    number(tree, "kmem", v[KMEM], 8192);
    number(tree, "keep", v[KEEP], 4096);
    number(tree, "restart", v[RESTART], 1);
    number(tree, "heartbeat", v[HEARTBEAT], 10000);
    string(tree, "provides", v[PROVIDES]);
    node(tree, "route", "log", v[ROUTE], 0);
    node(tree, "config", "word", v[BLOCK], v[BELOW]);
    CHECK(!(fdt_end_node(tree) | fdt_end_node(tree) | fdt_finish(tree)));
}

static u32 difference(const void *old, const void *new)
{
    struct config a, b;
    struct config_child ca = {0}, cb = {0};
    CHECK(!config_open(&a, old, TREE_MAX) && !config_open(&b, new, TREE_MAX));
    for (int at = config_child_first(&a, &ca); at >= 0 && strcmp(ca.name, "child") != 0;) {
        free(ca.routes);
        at = config_child_next(&a, &ca);
    }
    for (int at = config_child_first(&b, &cb); at >= 0 && strcmp(cb.name, "child") != 0;) {
        free(cb.routes);
        at = config_child_next(&b, &cb);
    }
    CHECK(!strcmp(ca.name, "child") && !strcmp(cb.name, "child"));
    u32 changes = config_difference(&a, &ca, &b, &cb);
    free(ca.routes);
    free(cb.routes);
    return changes;
}

static void what_differs_is_found_and_nothing_else(void)
{
    static _Alignas(8) char old[TREE_MAX], new[TREE_MAX];
    unsigned changed = 0;
    srand(1);
    for (unsigned round = 0; round < ROUNDS; round++) {
        int a[ITEMS], b[ITEMS];
        u32 expected = 0;
        for (unsigned i = 0; i < ITEMS; i++) {
            a[i] = rand() % 3;
            b[i] = rand() % 6 ? a[i] : rand() % 3;
            if (a[i] != b[i])
                expected |= change_of[i];
        }
        if (!a[BUDGET] != !b[BUDGET])
            expected |= CHANGE_LIFE; // a pool cannot be joined or left
        make(old, a, rand() % 2);
        make(new, b, rand() % 2);
        u32 found = difference(old, new);
        if (found != expected)
            printf("  found %x, expected %x\n", found, expected);
        CHECK(found == expected);
        changed += found != 0;
    }
    CHECK(changed > ROUNDS / 2 && changed < ROUNDS);
}

int main(void)
{
    RUN(what_differs_is_found_and_nothing_else);
    return check_failures != 0;
}
