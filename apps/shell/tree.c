// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// See tree.h; and the commands tree and graph.
#include "apps/shell/tree.h"
#include "apps/shell/shell.h"
#include "lib/rt/string.h"

enum { DEPTH_MAX = 4 };
static const char arrow[] = " -> ";

static const char *const states[] = {
#define X(name, number) [number] = #name,
    CHILD_STATES(X)
#undef X
};

struct place place_top(void)
{
    return (struct place){client_init(), "", 0};
}

struct walk {
    const struct place *at;
    place_visitor *visit;
    void *context;
};

static bool walk_child(const struct control_child *child, void *context)
{
    const struct walk *walk = context;
    return walk->visit(child, walk->at, walk->context);
}

error_t place_children(const struct place *at, place_visitor *visit, void *context)
{
    struct walk walk = {at, visit, context};
    return control_visit(at->init, walk_child, &walk);
}

// "apps/middle" as the label that leads there, "apps -> middle".
static void label_of(const char *path, char label[SERVICE_LABEL_MAX])
{
    size_t length = 0;
    for (; *path && length + sizeof(arrow) < SERVICE_LABEL_MAX; path++) {
        if (*path == '/')
            length += strlcpy(label + length, arrow, SERVICE_LABEL_MAX - length);
        else
            label[length++] = *path;
    }
    label[length] = 0;
}

bool place_below(const struct control_child *child, const struct place *at,
                 void (*look)(const struct place *below, void *context), void *context)
{
    struct service_client below;
    char path[TREE_PATH_MAX], label[SERVICE_LABEL_MAX];
    struct place place = {&below, path, at->depth + 1};
    if (!child->is_init || place.depth > DEPTH_MAX)
        return false;
    text_format(path, sizeof(path), "%s%s%s", at->path, *at->path ? "/" : "", child->name);
    label_of(path, label);
    if (service_init(&below, "init", label, "", (struct service_quota){0, 0}))
        return false;
    bool open = !service_open(&below);
    if (open)
        look(&place, context);
    service_close(&below);
    return open;
}

// In the init that the path leads to.
static void with_below(const char *request, const char *path, const char *name,
                       error_t (*with)(const struct place *at, const char *name))
{
    struct service_client below;
    char label[SERVICE_LABEL_MAX];
    struct place at = {&below, path, 1};
    label_of(path, label);
    error_t error = service_init(&below, "init", label, "", (struct service_quota){0, 0});
    if (!error)
        error = service_open(&below);
    if (error)
        say("shell: %s: found \"%s\", expected an init that runs and may offer \"init\": %s\n",
            request, path, error_name(error));
    else
        failed(&below, request, with(&at, name));
    service_close(&below);
}

void place_named(const char *what, const char *component,
                 error_t (*with)(const struct place *at, const char *name))
{
    char request[96], path[TREE_PATH_MAX];
    const char *name = component;
    if (!*component || strchr(component, ' ') || strlen(component) >= sizeof(path)) {
        say("shell: %s: found \"%.64s\", expected a component's name, or the path to one as "
            "\"apps/clock\"; \"tree\" lists them\n",
            what, component);
        return;
    }
    text_format(request, sizeof(request), "%s \"%.64s\"", what, component);
    for (const char *c = component; *c; c++)
        name = *c == '/' ? c + 1 : name;
    if (name == component) {
        struct place top = place_top();
        failed(top.init, request, with(&top, name));
        return;
    }
    strlcpy(path, component, (size_t)(name - component));
    with_below(request, path, name, with);
}

static bool show_row(const struct control_child *r, const struct place *at, void *context);

static void show_rows(const struct place *at, void *context)
{
    (void)!place_children(at, show_row, context);
}

static bool show_row(const struct control_child *r, const struct place *at, void *context)
{
    char state[16] = "?", name[64];
    if (r->state < ARRAY_SIZE(states))
        strlcpy(state, states[r->state], sizeof(state));
    for (char *c = state; *c; c++)
        *c |= 0x20;
    text_format(name, sizeof(name), "%.*s%s", (int)(2 * at->depth), "                ", r->name);
    char kept[32] = "";
    if (r->kept)
        text_format(kept, sizeof(kept), "  %lu KiB kept", r->kept / 1024);
    say("  %-16s %-8s %6lu/%6lu/%-6lu %5lu/%5lu/%-5lu %8lu %8u%s\n", name, state,
        r->ram_used / 1024, r->ram_limit / 1024, r->ram_high / 1024, r->caps_used, r->caps_limit,
        r->caps_high, r->sessions, r->restarts, kept);
    (void)place_below(r, at, show_rows, context);
    return true;
}

void command_tree(const char *argument)
{
    struct place top = place_top();
    (void)argument;
    say("init               STATE    RAM KiB used/limit/most  CAPS              SESSIONS "
        "RESTARTS\n");
    if (!failed(client_init(), "tree", place_children(&top, show_row, NULL)))
        show_sum();
}

// Names are those of `make graph`: "init", and "init/CHILD", which no child's own name can be.
static void graph_name(char name[TREE_PATH_MAX + 128], const struct place *at, const char *child)
{
    text_format(name, TREE_PATH_MAX + 128, "init%s%s%s%s", *at->path ? "/" : "", at->path,
                *child ? "/" : "", child);
}

static bool graph_node(const struct control_child *child, const struct place *at, void *context);

static bool graph_edge(const struct control_session *s, void *context)
{
    const struct place *at = context;
    char from[TREE_PATH_MAX + 128], to[TREE_PATH_MAX + 128] = "parent";
    bool above = !strcmp(s->provider, "parent");
    graph_name(from, at, s->client);
    if (!above || at->depth) // the sessions of an init below are those of a child above
        graph_name(to, at, above ? "" : s->provider);
    say("    \"%s\" -> \"%s\" [label = \"%s\"];\n", from, to, s->service);
    return true;
}

static void graph_below(const struct place *at, void *context)
{
    say("    subgraph \"cluster/init/%s\" {\n", at->path);
    (void)!place_children(at, graph_node, context);
    say("    }\n");
    (void)!control_sessions(at->init, graph_edge, (void *)at);
}

static bool graph_node(const struct control_child *child, const struct place *at, void *context)
{
    char name[TREE_PATH_MAX + 128];
    graph_name(name, at, child->name);
    say("    \"%s\" [label = \"%s\"%s%s];\n", name, child->name,
        child->state == CHILD_RUNNING ? "" : ", style = dashed",
        child->is_init ? ", style = bold" : "");
    (void)place_below(child, at, graph_below, context);
    return true;
}

void command_graph(const char *argument)
{
    struct place top = place_top();
    (void)argument;
    say("digraph \"tessera\" {\n    rankdir = LR; node [shape = box]; \"init\"; \"parent\";\n");
    error_t error = place_children(&top, graph_node, NULL);
    if (!error)
        error = control_sessions(top.init, graph_edge, &top);
    say("}\n");
    failed(client_init(), "graph", error);
}
