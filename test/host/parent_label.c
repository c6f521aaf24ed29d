// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What a parent writes before a label (lib/service/parent_label.c): it always fits, whatever a
// client asks for and however deep the tree is, and never loses where the session comes from.
// needs: lib/service/parent_label.c lib/rt/string.c
// flags: -fno-builtin
#include "lib/rt/string.h"
#include "lib/service/parent.h"
#include "test/host/check.h"

enum { MAX = SERVICE_LABEL_MAX };

// A label of that length, in memory that ends with it: more is noticed.
static char *label_of(size_t length)
{
    char *label = malloc(MAX);
    memset(label, 'l', length);
    label[length] = 0;
    return label;
}

static void the_path_comes_first(void)
{
    char *label = label_of(3);
    parent_label_below(label, "child");
    CHECK(!strcmp(label, "child -> lll"));
    parent_label_below(label, "init");
    CHECK(!strcmp(label, "init -> child -> lll"));
    label[0] = 0;
    parent_label_below(label, "child");
    CHECK(!strcmp(label, "child"));
    free(label);
}

static void all_lengths_fit(void)
{
    char prefix[2 * MAX];
    for (size_t length = 0; length < MAX; length++) {
        for (size_t name = 1; name < sizeof(prefix); name++) {
            memset(prefix, 'p', name);
            prefix[name] = 0;
            char *label = label_of(length);
            parent_label_below(label, prefix);
            size_t kept = name < MAX - 5 ? name : MAX - 5, rest = MAX - 1 - kept - 4;
            size_t whole = length ? kept + 4 + (length < rest ? length : rest) : kept;
            CHECK(strlen(label) == whole && !strncmp(label, prefix, kept));
            CHECK(!length || !strncmp(label + kept, " -> ", 4));
            free(label);
        }
    }
}

int main(void)
{
    RUN(the_path_comes_first);
    RUN(all_lengths_fit);
    return check_failures != 0;
}
