// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Three inits below the top (scenarios/nested): what a child finds there. It then keeps its session
// with the server at the top and waits for its end.
#include "test/system/check.h"
#include "lib/rt/start.h"
#include "lib/rt/string.h"
#include "lib/service/control.h"
#include "lib/service/env.h"
#include "test/system/compose_server/operations.h"
#include <libfdt.h>

enum { RAM = 1 << 20, PRIORITY = 50 };

static struct service_client above;

static error_t open(struct service_client *c, const char *name, const char *label)
{
    error_t error = service_init(c, name, label, "", (struct service_quota){0, 0});
    return error ? error : service_open(c);
}

static void leaf_label_has_the_whole_path(void)
{
    struct msg m;
    char label[SERVICE_LABEL_MAX];
    CHECK_EQ(open(&above, "echo", "here"), SUCCESS);
    service_begin(&above, &m, COMPOSE_INFO);
    CHECK_EQ(service_call(&above, &m), SUCCESS);
    for (unsigned i = 0; i < 4; i++) // figures
        (void)msg_get_word(&m);
    msg_get_string(&m, label, sizeof(label));
    print("the path is what init vouches for: \"%s\"\n", label);
    CHECK(!strcmp(label, "apps -> middle -> leaf -> here"));
}

static void leaf_calls_its_sibling(void)
{
    struct service_client c;
    word_t w[4] = {0, 0, 3, 4};
    CHECK_EQ(open(&c, "count", ""), SUCCESS);
    CHECK_EQ(service_call_words(&c, COMPOSE_ADD, w), SUCCESS);
    CHECK_EQ(w[1], 7);
    service_close(&c);
}

static void leaf_has_what_its_block_says(void)
{
    u64 ram = 0, caps = 0;
    struct cpu_limits limits;
    struct rom config;
    int length;
    CHECK_EQ(env_quota(&ram, &caps), SUCCESS);
    CHECK(ram && ram < RAM);
    CHECK_EQ(env_cpu_limits(&limits), SUCCESS);
    CHECK_EQ(limits.priority, PRIORITY); // its own 90 is more than the init above it has
    CHECK_EQ(rom_open(&config, "config"), SUCCESS);
    const void *secret = fdt_getprop(config.data, 0, "secret", &length);
    CHECK(secret && length == sizeof(u64) && fdt64_ld(secret) == 7);
    rom_close(&config);
}

static void leaf_reaches_its_own_init_only(void)
{
    struct service_client init, other;
    struct control_child child;
    CHECK_EQ(open(&init, "init", ""), SUCCESS);
    CHECK_EQ(control_find(&init, "server", &child), SUCCESS);
    CHECK_EQ(control_find(&init, "judge", &child), ENOTFOUND);
    CHECK_EQ(control_find(&init, "middle", &child), ENOTFOUND);
    service_close(&init);
    CHECK_EQ(open(&other, "rom", ""), EPERM);
    service_close(&other);
}

int main(void)
{
    RUN(leaf_label_has_the_whole_path);
    RUN(leaf_calls_its_sibling);
    RUN(leaf_has_what_its_block_says);
    RUN(leaf_reaches_its_own_init_only);
    rt_halt();
}
