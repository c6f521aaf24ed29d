// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Commands that show the system: tree, graph, log, top.
#include "apps/shell/shell.h"
#include "lib/core/log.h"
#include "lib/rt/start.h"
#include "lib/rt/string.h"
#include "lib/rt/tsc.h"
#include "lib/service/control.h"
#include "lib/service/timer.h"

enum { TOP_MAX = 128, SECOND_US = 1000000, PIECE_BYTES = 1024, DEPTH_MAX = 4 };

static const char *const states[] = {
#define X(name, number) [number] = #name,
    CHILD_STATES(X)
#undef X
};

// Where a row stands in the tree of inits.
struct place {
    const char *path; // "": below the init that the shell asks
    unsigned depth;
};

static bool show_row(const struct control_child *r, void *context);

// The children of an init below, if it lets us see them.
static void show_below(const struct control_child *r, const struct place *at)
{
    struct service_client below;
    char path[SERVICE_LABEL_MAX];
    struct place place = {path, at->depth + 1};
    if (place.depth > DEPTH_MAX)
        return;
    text_format(path, sizeof(path), "%s%s%s", at->path, *at->path ? " -> " : "", r->name);
    if (service_init(&below, "init", path, "", (struct service_quota){0, 0}))
        return;
    (void)!control_visit(&below, show_row, &place);
    service_close(&below);
}

static bool show_row(const struct control_child *r, void *context)
{
    const struct place *at = context;
    char state[16] = "?", name[64];
    if (r->state < ARRAY_SIZE(states))
        strlcpy(state, states[r->state], sizeof(state));
    for (char *c = state; *c; c++)
        *c |= 0x20;
    text_format(name, sizeof(name), "%.*s%s", (int)(2 * at->depth), "                ", r->name);
    say("  %-16s %-8s %6lu/%6lu/%-6lu %5lu/%5lu/%-5lu %8lu %8u\n", name, state, r->ram_used / 1024,
        r->ram_limit / 1024, r->ram_high / 1024, r->caps_used, r->caps_limit, r->caps_high,
        r->sessions, r->restarts);
    if (r->is_init)
        show_below(r, at);
    return true;
}

void command_tree(const char *argument)
{
    struct place top = {"", 0};
    (void)argument;
    say("init               STATE    RAM KiB used/limit/most  CAPS              SESSIONS "
        "RESTARTS\n");
    if (!failed(client_init(), "tree", control_visit(client_init(), show_row, &top)))
        show_sum();
}

static bool graph_node(const struct control_child *child, void *context)
{
    (void)context;
    say("    \"init/%s\" [label = \"%s\"%s];\n", child->name, child->name,
        child->state == CHILD_RUNNING ? "" : ", style = dashed");
    return true;
}

static bool graph_edge(const struct control_session *s, void *context)
{
    (void)context;
    bool parent = !strcmp(s->provider, "parent");
    say("    \"init%s%s\" -> \"%s%s\" [label = \"%s\"];\n", *s->client ? "/" : "", s->client,
        parent         ? ""
        : *s->provider ? "init/"
                       : "init",
        s->provider, s->service);
    return true;
}

// The names of `make graph`: "init", and "init/CHILD", which no child's own name can be.
void command_graph(const char *argument)
{
    (void)argument;
    say("digraph \"tessera\" {\n    rankdir = LR; node [shape = box]; \"init\"; \"parent\";\n");
    error_t error = control_visit(client_init(), graph_node, NULL);
    if (!error)
        error = control_sessions(client_init(), graph_edge, NULL);
    say("}\n");
    failed(client_init(), "graph", error);
}

void command_log(const char *argument)
{
    struct service_client *c = client_log(argument);
    char text[2048];
    u64 position = 0;
    size_t length = 1;
    while (length && !failed(c, "log", log_read(c, &position, text, sizeof(text), &length))) {
        for (size_t at = 0; at < length; at += PIECE_BYTES)
            say_bytes(text + at, length - at < PIECE_BYTES ? length - at : PIECE_BYTES);
    }
}

struct usage {
    u64 ticks;
    unsigned threads;
    char name[96];
};

static error_t statistics(struct usage *out, unsigned *count)
{
    struct service_client *c = client_cpu();
    word_t total = 1;
    *count = 0;
    for (word_t first = 0; first < total && *count < TOP_MAX;) {
        struct msg m;
        service_begin(c, &m, CPU_STATISTICS);
        msg_put_word(&m, first);
        error_t error = service_call(c, &m);
        if (failed(c, "top", error))
            return error;
        total = msg_get_word(&m);
        word_t here = msg_get_word(&m);
        for (word_t i = 0; i < here && *count < TOP_MAX; i++) {
            struct usage *u = &out[*count];
            char name[256];
            u->ticks = msg_get_word(&m);
            (void)msg_get_word(&m); // CPU and priority
            msg_get_string(&m, name, sizeof(name));
            strlcpy(u->name, name, sizeof(u->name));
            if (msg_error(&m))
                return EPROTO;
            (*count)++;
        }
        if (!here)
            break;
        first += here;
    }
    return SUCCESS;
}

// The component that a thread belongs to: "init -> timer -> waiter" counts for "timer".
static void component_of(const char *thread, char *name, size_t size)
{
    static const char arrow[] = " -> ";
    enum { ARROW = sizeof(arrow) - 1 };
    if (!strncmp(thread, "init -> ", 8))
        thread += 8;
    size_t length = 0;
    while (thread[length] && strncmp(thread + length, arrow, ARROW))
        length++;
    strlcpy(name, thread, length + 1 < size ? length + 1 : size);
}

// Adds up the threads of each component, in place. Returns how many components there are.
static unsigned by_component(struct usage *list, unsigned count)
{
    unsigned total = 0;
    for (unsigned i = 0; i < count; i++) {
        struct usage one = {.ticks = list[i].ticks, .threads = 1};
        unsigned k = 0;
        component_of(list[i].name, one.name, sizeof(one.name));
        while (k < total && strcmp(list[k].name, one.name))
            k++;
        if (k < total) {
            list[k].ticks += one.ticks;
            list[k].threads++;
        } else {
            list[total++] = one;
        }
    }
    return total;
}

static u64 earlier_ticks(const struct usage *before, unsigned count, const struct usage *now)
{
    for (unsigned i = 0; i < count; i++) {
        if (!strcmp(before[i].name, now->name)) // less than before: it is another life
            return before[i].ticks <= now->ticks ? before[i].ticks : 0;
    }
    return 0;
}

// Statistics, by component, and when they were taken.
static error_t snapshot(struct usage *list, unsigned *count, u64 *when)
{
    *when = rdtsc();
    error_t error = statistics(list, count);
    if (!error)
        *count = by_component(list, *count);
    return error;
}

void command_top(const char *argument)
{
    static struct usage before[TOP_MAX], after[TOP_MAX];
    unsigned count_before, count;
    u64 begin, end;
    struct timer timer;
    (void)argument;
    if (snapshot(before, &count_before, &begin))
        return;
    if (failed(client_timer(), "top", timer_clone(&timer, client_timer())))
        return;
    error_t error = timer_sleep(&timer, SECOND_US);
    timer_free(&timer);
    if (failed(client_timer(), "top", error))
        return;
    if (snapshot(after, &count, &end))
        return;
    u64 thousandth = (end - begin) / 1000 + 1;
    say("   CPU%%  THREADS COMPONENT    (100%% is one processor)\n");
    for (unsigned i = 0; i < count; i++) {
        u64 tenths = (after[i].ticks - earlier_ticks(before, count_before, &after[i])) / thousandth;
        say("  %3lu.%lu  %7u %s\n", tenths / 10, tenths % 10, after[i].threads, after[i].name);
    }
}
