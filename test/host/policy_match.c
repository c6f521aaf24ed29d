// needs: lib/policy/policy.c -lfdt
// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Which policy is for a label (lib/policy), by example and against a model with random ones.
#include "lib/policy/policy.h"
#include "test/host/check.h"
#include <libfdt.h>
#include <stdbool.h>
#include <string.h>

enum { TREE_MAX = 8192, POLICIES_MAX = 12, ROUNDS = 20000 };

struct rule {
    const char *kind; // a property's name
    char text[8];
};

static char tree[TREE_MAX];

static void make(const struct rule *rules, unsigned count)
{
    int error = fdt_create(tree, TREE_MAX) | fdt_finish_reservemap(tree);
    error |= fdt_begin_node(tree, "") | fdt_begin_node(tree, "policy");
    for (unsigned i = 0; i < count; i++) {
        char name[16];
        snprintf(name, sizeof(name), "%u", i);
        error |= fdt_begin_node(tree, name) | fdt_property_u32(tree, "index", i);
        error |= !strcmp(rules[i].kind, "default")
                     ? fdt_property_u32(tree, "default", 1)
                     : fdt_property_string(tree, rules[i].kind, rules[i].text);
        error |= fdt_end_node(tree);
    }
    error |= fdt_end_node(tree) | fdt_end_node(tree) | fdt_finish(tree);
    CHECK(!error);
}

static int match(const char *label)
{
    int node = policy_match(tree, label);
    const fdt32_t *index = node < 0 ? NULL : fdt_getprop(tree, node, "index", NULL);
    return index ? (int)fdt32_ld(index) : -1;
}

static void the_best_one_counts(void)
{
    static const struct rule rules[] = {{"default", ""},        {"label_suffix", "ell"},
                                        {"label_suffix", "l"},  {"label_prefix", "s"},
                                        {"label_prefix", "sh"}, {"label", "shell"}};
    make(rules, 6);
    CHECK(match("shell") == 5);
    CHECK(match("shelf") == 4);
    CHECK(match("shellx") == 4);
    CHECK(match("sell") == 3);
    CHECK(match("bell") == 1);
    CHECK(match("l") == 2);
    CHECK(match("x") == 0);
    CHECK(match("") == 0);
    make(rules + 1, 5);
    CHECK(match("x") == -1);
    static const struct rule nobodys = {"for_nobody", ""}; // says nothing of labels
    make(&nobodys, 1);
    CHECK(match("shell") == -1 && match("") == -1);
    make(rules, 0);
    CHECK(match("shell") == -1);
}

static void trees_without_policies_deny(void)
{
    CHECK(!fdt_create_empty_tree(tree, TREE_MAX));
    CHECK(policy_match(tree, "shell") < 0);
    CHECK(!policy_text(tree, 0, "label"));
}

// The order of kinds, then the longest text, then the first.
static int model(const struct rule *rules, unsigned count, const char *label)
{
    static const char *const kinds[] = {"label", "label_prefix", "label_suffix", "default"};
    size_t length = strlen(label);
    for (unsigned kind = 0; kind < 4; kind++) {
        int best = -1;
        for (unsigned i = 0; i < count; i++) {
            size_t part = strlen(rules[i].text);
            bool fits = kind == 0   ? !strcmp(rules[i].text, label)
                        : kind == 1 ? part <= length && !memcmp(label, rules[i].text, part)
                        : kind == 2
                            ? part <= length && !memcmp(label + length - part, rules[i].text, part)
                            : true;
            if (!strcmp(rules[i].kind, kinds[kind]) && fits &&
                (best < 0 || (kind < 3 && part > strlen(rules[best].text))))
                best = (int)i;
        }
        if (best >= 0)
            return best;
    }
    return -1;
}

static void random_policies_as_the_model(void)
{
    static const char *const kinds[] = {"label", "label_prefix", "label_suffix", "default"};
    unsigned matched = 0;
    srand(1);
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct rule rules[POLICIES_MAX];
        char label[8] = "";
        unsigned count = (unsigned)rand() % POLICIES_MAX;
        for (unsigned i = 0; i < count; i++) {
            unsigned length = 1 + (unsigned)rand() % 3;
            rules[i].kind = kinds[(unsigned)rand() % 40 % 4];
            for (unsigned k = 0; k <= length; k++)
                rules[i].text[k] = k < length ? (char)('a' + rand() % 2) : 0;
        }
        for (unsigned k = (unsigned)rand() % 6; k > 0; k--)
            strcat(label, rand() % 2 ? "a" : "b");
        make(rules, count);
        int found = match(label);
        CHECK(found == model(rules, count, label));
        matched += found >= 0;
    }
    CHECK(matched > ROUNDS / 4);
}

int main(void)
{
    RUN(the_best_one_counts);
    RUN(trees_without_policies_deny);
    RUN(random_policies_as_the_model);
    return check_failures != 0;
}
