// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// tools/graph: the tour's graph has its components and sessions and nothing that no route allows;
// an init in an init is drawn with its children; Graphviz takes both.
#include "test/host/check.h"
#include <string.h>

#define TOUR "build/scenarios/tour.dtb"
#define NESTED "build/host/graph_nested"

static char graph[65536];

static int run(const char *command)
{
    FILE *pipe = popen(command, "r");
    size_t length = fread(graph, 1, sizeof(graph) - 1, pipe);
    graph[length] = 0;
    return pclose(pipe);
}

static unsigned count(const char *text)
{
    unsigned found = 0;
    for (const char *at = graph; (at = strstr(at, text)); at++)
        found++;
    return found;
}

static void tour_has_its_components(void)
{
    CHECK(!run("tools/graph " TOUR " tour"));
    CHECK(strstr(graph, "digraph \"tour\" {") == graph);
    CHECK(count("subgraph") == 1 && count("subgraph \"cluster/init\"") == 1);
    CHECK(count("\"init/timer\" [label = \"timer\\nprovides timer\"];") == 1);
    CHECK(count("\"init/alice\" [label = \"alice\"];") == 1);
}

static void tour_has_its_sessions(void)
{
    CHECK(!run("tools/graph " TOUR));
    CHECK(count("\"init/alice\" -> \"init/greeter\" [label = \"greeter\"];") == 1);
    CHECK(count("\"init/alice\" -> \"init\" [label = \"pd, cpu\"];") == 1);
    CHECK(count("\"init/shell\" -> \"init\" [label = \"init, pd, cpu, trace\"];") == 1);
    CHECK(count("\"init/log\" -> \"init/serial\" [label = \"serial\"];") == 1);
    CHECK(count("\"init\" -> sigma0 [label = \"log, pd, cpu, io_port, irq, io_mem, trace\"];") ==
          1);
    CHECK(count("-> \"init/greeter\"") == 2); // of alice and bob; the stranger has no route
    CHECK(count("\"init/stranger\" ->") == 2);
}

static void graphviz_takes_it(void)
{
    CHECK(!run("tools/graph " TOUR " | dot -Tsvg"));
    CHECK(strstr(graph, "<svg") && count("class=\"node\"") == 2 + 12);
}

// The inner init's configuration is its `config` block.
static void an_inner_init_is_drawn_with_its_children(void)
{
    FILE *file = fopen(NESTED ".ucl", "w");
    fputs("child a { ram = 1Mb; caps = 64; provides = [ x, y ] }\n"
          "child b { ram = 1Mb; caps = 64; route { x = any; y { to = a; for_label = q } } }\n"
          "child inner { binary = init; ram = 4Mb; caps = 900; route { default = parent }\n"
          "    config { child c { ram = 1Mb; caps = 64; route { log = d } }\n"
          "             child d { ram = 1Mb; caps = 64; provides = log } } }\n",
          file);
    fclose(file);
    CHECK(!run("build/tools/conf -o " NESTED ".dtb " NESTED ".ucl && tools/graph " NESTED ".dtb"));
    CHECK(count("subgraph \"cluster/init/inner\"") == 1);
    CHECK(count("\"init/b\" -> \"init/a\" [label = \"x, y (q)\"];") == 1);
    CHECK(count("\"init/inner\" -> \"init\" [label = \"*\"];") == 1);
    CHECK(count("\"init/inner/c\" -> \"init/inner/d\" [label = \"log\"];") == 1);
    CHECK(!run("tools/graph " NESTED ".dtb | dot -Tsvg"));
    CHECK(count("class=\"node\"") == 2 + 3 + 2);
}

int main(void)
{
    RUN(tour_has_its_components);
    RUN(tour_has_its_sessions);
    RUN(graphviz_takes_it);
    RUN(an_inner_init_is_drawn_with_its_children);
    return check_failures != 0;
}
