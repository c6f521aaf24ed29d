// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Where sessions go, and what the server sees of them (design section 8; 001_5c4c3d5892c9ef36.txt).
#include "test/system/compose/compose.h"
#include "test/system/check.h"
#include "lib/rt/string.h"

static void routes_label_and_argue(void)
{
    struct service_client c;
    struct info i;
    CHECK_EQ(open_quota(&c, "echo", "mine", 0), SUCCESS);
    CHECK_EQ(info(&c, &i), SUCCESS);
    CHECK(!strcmp(i.label, "judge -> mine") && !i.args[0]);
    service_close(&c);
    CHECK_EQ(open_quota(&c, "echo", "renamed", 0), SUCCESS);
    CHECK_EQ(info(&c, &i), SUCCESS);
    CHECK(!strcmp(i.label, "another name") && !strcmp(i.args, "from the route"));
    service_close(&c);
}

static bool label_becomes(const char *label, const char *seen)
{
    struct service_client c;
    struct info i = {0};
    error_t error = open_quota(&c, "echo", label, 0);
    if (!error)
        error = info(&c, &i);
    service_close(&c);
    bool same = !error && !strcmp(i.label, seen);
    if (!same)
        print("  label \"%s\": %s, seen as \"%s\", expected \"%s\"\n", label, error_name(error),
              i.label, seen);
    return same;
}

// What the server sees: the route's words in place of the child's name, of the client's label, or
// of both.
static void routes_rewrite_parts_of_labels(void)
{
    CHECK(label_becomes("", "judge"));
    CHECK(label_becomes("other", "judge -> other"));
    CHECK(label_becomes("suffix", "judge -> back"));
    CHECK(label_becomes("suffixed", "judge -> suffixed")); // for_label is exact
    CHECK(label_becomes("pre", "front -> pre"));
    CHECK(label_becomes("prefixed", "front -> prefixed"));
    CHECK(label_becomes("pr", "judge -> pr"));
    CHECK(label_becomes("both", "front -> back"));
    CHECK(label_becomes("front -> back", "judge -> front -> back")); // nobody says it himself
}

static error_t trace_as(const char *label)
{
    struct service_client c;
    error_t error = open_quota(&c, "trace", label, 0);
    service_close(&c);
    return error;
}

// A service whose routes are all for some labels is denied to every other.
static void labels_without_a_route_are_denied(void)
{
    CHECK_EQ(trace_as("whole"), SUCCESS);
    CHECK_EQ(trace_as("part"), SUCCESS);
    CHECK_EQ(trace_as("parts"), SUCCESS);
    static const char *const denied[] = {"",      "par",  "whol",          "whole ", "wholes",
                                         " part", "PART", "judge -> part", "*"};
    for (unsigned i = 0; i < ARRAY_SIZE(denied); i++)
        CHECK_EQ(trace_as(denied[i]), EPERM);
}

void routes_tests(void)
{
    RUN(routes_label_and_argue);
    RUN(routes_rewrite_parts_of_labels);
    RUN(labels_without_a_route_are_denied);
}
