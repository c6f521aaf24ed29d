// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Three inits below the top (scenarios/nested): what a child finds there. It then keeps its session
// with the server at the top and waits for its end.
#include "test/system/check.h"
#include "test/system/wait.h"
#include "lib/core/trace.h"
#include "lib/rt/start.h"
#include "lib/rt/string.h"
#include "lib/rt/thread.h"
#include "lib/service/control.h"
#include "lib/service/env.h"
#include "test/system/compose_server/operations.h"
#include <libfdt.h>

enum { RAM = 1 << 20, PRIORITY = 50, WAIT_US = 20000000 };

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

struct sight {
    const char *above;    // what all labels have to begin with
    unsigned seen, alien; // below that; anywhere else
    unsigned servers, inits;
    u64 counting; // the handler of "count" on our CPU
};

static bool look(const struct trace_subject *s, void *context)
{
    struct sight *sight = context;
    size_t length = strlen(sight->above);
    char handler[TRACE_NAME_MAX];
    text_format(handler, sizeof(handler), "count %u", thread_cpu());
    bool below = !strncmp(s->label, sight->above, length) &&
                 (!s->label[length] || !strncmp(s->label + length, " -> ", 4));
    sight->seen += below;
    sight->alien += !below;
    sight->inits += !strcmp(s->label, "init -> apps -> middle") && !strcmp(s->name, "main");
    if (!strcmp(s->label, "init -> apps -> middle -> server")) {
        sight->servers += !strcmp(s->name, "main");
        if (!strcmp(s->name, handler))
            sight->counting = s->id;
    }
    return true;
}

// What its route gives it is the sub-tree of the init that it is a child of, never more; without
// that it sees itself. Names are whole paths.
static void leaf_sees_its_sub_tree_alone(void)
{
    struct service_client whole, own;
    struct sight all = {.above = "init -> apps -> middle"},
                 mine = {.above = "init -> apps -> middle -> leaf"};
    struct service_quota some = {4096, 8};
    CHECK_EQ(service_init(&whole, "trace", "whole", "", some), SUCCESS);
    CHECK_EQ(service_init(&own, "trace", "", "", some), SUCCESS);
    CHECK_EQ(trace_visit(&whole, look, &all), SUCCESS);
    CHECK_EQ(all.alien, 0);
    CHECK(all.counting && all.servers == 1 && all.inits == 1 && all.seen > 5);
    CHECK_EQ(trace_visit(&own, look, &mine), SUCCESS);
    CHECK_EQ(mine.alien, 0);
    CHECK(mine.seen >= 1 && mine.seen < all.seen && !mine.servers && !mine.inits);
    struct trace_subject s;
    CHECK_EQ(trace_info(&own, all.counting, &s), ENOTFOUND);
    CHECK_EQ(trace_info(&own, 1, &s), ENOTFOUND); // sigma0's first
    CHECK_EQ(trace_info(&whole, 1, &s), ENOTFOUND);
    service_close(&whole);
    service_close(&own);
}

static void leaf_traces_its_sibling(void)
{
    struct service_client whole, c;
    struct sight all = {.above = "init -> apps -> middle"};
    struct trace_buffer b;
    struct trace_record r[64];
    word_t w[4] = {0, 0, 3, 4};
    bool found = false;
    CHECK_EQ(service_init(&whole, "trace", "whole", "", (struct service_quota){4096, 8}), SUCCESS);
    CHECK_EQ(trace_visit(&whole, look, &all), SUCCESS);
    CHECK_EQ(trace_buffer_create(&b, 64), SUCCESS);
    error_t error = EINUSE; // while it is traced from above
    for (u64 end = deadline_in_us(WAIT_US); error == EINUSE && rdtsc() < end; pause_us(5000))
        error = trace_enable_buffer(&whole, all.counting, &b,
                                    (struct trace_wish){TRACE_MASK(DISPATCH), 0});
    CHECK_EQ(error, SUCCESS);
    CHECK_EQ(open(&c, "count", ""), SUCCESS);
    CHECK_EQ(service_call_words(&c, COMPOSE_ADD, w), SUCCESS);
    service_close(&c);
    CHECK_EQ(trace_disable(&whole, all.counting), SUCCESS);
    for (unsigned n = trace_read(&b.reader, r, 64); n--;)
        found |= r[n].event == TRACE_DISPATCH && r[n].second == COMPOSE_ADD;
    CHECK(found);
    trace_buffer_destroy(&b);
    service_close(&whole);
}

int main(void)
{
    RUN(leaf_label_has_the_whole_path);
    RUN(leaf_calls_its_sibling);
    RUN(leaf_has_what_its_block_says);
    RUN(leaf_reaches_its_own_init_only);
    RUN(leaf_sees_its_sub_tree_alone);
    RUN(leaf_traces_its_sibling);
    rt_halt();
}
