// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// A child's share of the processor (init/share.c): its configuration narrows what it asks for, and
// a tree that names CPUs which there cannot be gives none.
// needs: init/share.c lib/rt/print.c lib/rt/string.c
// flags: -fno-builtin
#include "init/init.h"
#include "lib/rt/string.h"
#include "test/host/check.h"

static struct child child;
static char args[SERVICE_ARGS_MAX];

static const char *share(const char *route, const char *asked)
{
    share_args(&child, route, asked, args, sizeof(args));
    return args;
}

static void affinity_is_the_most_that_is_had(void)
{
    child.config =
        (struct config_child){.name = "a", .priority = 30, .affinity = {1, 2}, .affinity_count = 2};
    CHECK(!strcmp(share("", ""), "30,cpus=0x6"));
    CHECK(!strcmp(share("", "20,cpus=0x2"), "20,cpus=0x2"));
    CHECK(!strcmp(share("", "40,cpus=0xf"), "30,cpus=0x6"));
}

static void cpus_that_cannot_be_are_none(void)
{
    child.config = (struct config_child){
        .name = "a", .priority = 30, .affinity = {1, 64, 66, ~0u}, .affinity_count = 4};
    CHECK(!strcmp(share("", ""), "30,cpus=0x2"));
}

// What a change of the child's priority makes of its open sessions' highest one.
static void priorities_follow_the_child(void)
{
    struct child child = {.name = "a"};
    bool asks = true;
    child.config = (struct config_child){.name = "a", .priority = 30};
    CHECK(share_priority(&child, "", "", &asks) == 30 && !asks);
    CHECK(share_priority(&child, "", "cpus=1,all", &asks) == 30 && !asks);
    CHECK(share_priority(&child, "", "40", &asks) == 30 && asks);
    CHECK(share_priority(&child, "60,all", "10,cpus=1", &asks) == 60 && asks);
    CHECK(share_priority(&child, "all", "", &asks) == 0 && !asks); // the route says no priority
}

int main(void)
{
    RUN(affinity_is_the_most_that_is_had);
    RUN(cpus_that_cannot_be_are_none);
    RUN(priorities_follow_the_child);
    return check_failures != 0;
}
