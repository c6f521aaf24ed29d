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

int main(void)
{
    RUN(affinity_is_the_most_that_is_had);
    RUN(cpus_that_cannot_be_are_none);
    return check_failures != 0;
}
