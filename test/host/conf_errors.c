// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What tools/conf says to a person: each message names the item's path, what was found and what was
// expected; all are listed; the exit code is 1 and nothing is written.
#include "test/host/check.h"
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define IN "build/host/conf_errors.ucl"
#define OUT "build/host/conf_errors.dtb"
#define GOOD "ram = 1Mb; caps = 64; "

static char output[65536];

static int compile(const char *text)
{
    FILE *file = fopen(IN, "w");
    fputs(text, file);
    fclose(file);
    unlink(OUT);
    FILE *pipe = popen("build/tools/conf -o " OUT " " IN " 2>&1", "r");
    size_t length = fread(output, 1, sizeof(output) - 1, pipe);
    output[length] = 0;
    int status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static unsigned lines(void)
{
    unsigned count = 0;
    for (const char *c = output; *c; c++)
        count += *c == '\n';
    return count;
}

static bool refused(const char *text, const char *message)
{
    int status = compile(text);
    bool good = status == 1 && strstr(output, message) && access(OUT, F_OK) != 0;
    if (!good)
        printf("  exit code %d for: %s\n  expected: %s\n  found: %s\n", status, text, message,
               output);
    return good;
}

// A child "a" with all that it must have and `items`; the one message must be this.
static bool item_refused(const char *items, const char *message)
{
    char text[4096], line[1024];
    snprintf(text, sizeof(text), "child b { " GOOD " provides = y }\nchild a { " GOOD "%s }\n",
             items);
    snprintf(line, sizeof(line), IN ": %s\n", message);
    bool good = refused(text, line) && lines() == 1;
    if (!good)
        printf("  more than one message, or another: %s", output);
    return good;
}

static bool accepted(const char *items)
{
    char text[4096];
    snprintf(text, sizeof(text), "child b { " GOOD " provides = y }\nchild a { " GOOD "%s }\n",
             items);
    bool good = compile(text) == 0 && !*output && access(OUT, F_OK) == 0;
    if (!good)
        printf("  refused: %s\n  %s\n", items, output);
    return good;
}

static void required_items(void)
{
    CHECK(refused("child a { caps = 64 }", "a.ram: found nothing, expected a size"));
    CHECK(refused("child a { ram = 1Mb }", "a.caps: found nothing, expected a number"));
    CHECK(refused("", "child: found none, expected at least one `child NAME { ... }`"));
}

static void sizes_and_counts(void)
{
    CHECK(refused("child a { ram = 64; caps = 64 }",
                  "a.ram: found \"64\", expected a size from 4Kb to 1024Gb"));
    CHECK(refused("child a { ram = 10ms; caps = 64 }", "a.ram: found \"0.01s\", expected a size"));
    CHECK(refused("child a { ram = 1Mb; caps = 15 }",
                  "a.caps: found \"15\", expected a whole number from 16 to 200000"));
    CHECK(item_refused("kmem = big;", "a.kmem: found \"big\", expected a size from 4Kb to 1024Gb"));
    CHECK(item_refused("kmem = -1Mb;",
                       "a.kmem: found \"-1048576\", expected a size from 4Kb to 1024Gb"));
    CHECK(item_refused("priority = 0;",
                       "a.priority: found \"0\", expected a whole number from 1 to 127"));
    CHECK(item_refused("priority = 1.5;",
                       "a.priority: found \"1.5\", expected a whole number from 1 to 127"));
    CHECK(item_refused("priority = 128;",
                       "a.priority: found \"128\", expected a whole number from 1 to 127"));
    CHECK(accepted("priority = 127; kmem = 4Kb;"));
}

static void what_is_kept(void)
{
    CHECK(item_refused("keep = 1;", "a.keep: found \"1\", expected a size from 4Kb to 1024Gb"));
    CHECK(
        item_refused("keep = yes;", "a.keep: found \"true\", expected a size from 4Kb to 1024Gb"));
    CHECK(item_refused("keep = 4Kb; keep = 8Kb;", "a.keep: found twice, expected once"));
    CHECK(refused("child a { ram = 1Mb; caps = 64; keep = 1Mb }",
                  "a.keep: found \"1Mb\", expected less than the 1Mb of a.ram"));
    CHECK(refused("child a { binary = init; ram = 8Mb; caps = 64; config { child b { ram = 64Kb; "
                  "caps = 64; keep = 65Kb } } }",
                  "a.config.b.keep: found \"65Kb\", expected less than the 64Kb of "
                  "a.config.b.ram"));
    CHECK(accepted("keep = 4Kb;"));
    CHECK(accepted("keep = 1020Kb;"));
}

static void times(void)
{
    CHECK(item_refused("heartbeat = 10;",
                       "a.heartbeat: found \"10\", expected a time with its unit "
                       "from 10ms to 3600s"));
    CHECK(item_refused("heartbeat = 9ms;",
                       "a.heartbeat: found \"0.009s\", expected a time with its "
                       "unit from 10ms to 3600s"));
    CHECK(item_refused("budget = 1ms;", "a.budget: found without period, expected both or none"));
    CHECK(item_refused("period = 1ms;", "a.period: found without budget, expected both or none"));
    CHECK(item_refused("budget = 2ms; period = 1ms;",
                       "a.budget: found \"0.002s\", expected at most the period"));
    CHECK(accepted("budget = 1ms; period = 1ms; heartbeat = 10ms;"));
}

static void lists_and_switches(void)
{
    CHECK(item_refused("affinity = 16;",
                       "a.affinity: found \"16\", expected CPU numbers from 0 to 15"));
    CHECK(item_refused("affinity = [ 0, -1 ];",
                       "a.affinity: found \"-1\", expected CPU numbers from 0 to 15"));
    CHECK(item_refused("provides { x = 1 };",
                       "a.provides: found \"a block\", expected names of at most 31 characters"));
    CHECK(
        item_refused("provides = [ x, a23456789012345678901234567890bc ];",
                     "a.provides: found \"a23456789012345678901234567890bc\", expected names of at "
                     "most 31 characters"));
    CHECK(item_refused("start = 5;", "a.start: found \"5\", expected yes or no"));
    CHECK(item_refused("start = yes; start = no;", "a.start: found twice, expected once"));
    CHECK(item_refused("debug = maybe;", "a.debug: found \"maybe\", expected yes or no"));
    CHECK(item_refused("debug = 1;", "a.debug: found \"1\", expected yes or no"));
    CHECK(accepted("affinity = [ 0, 15 ]; provides = [ x, z ]; start = no;"));
}

static void restarts(void)
{
    CHECK(item_refused("restart = maybe;",
                       "a.restart: found \"maybe\", expected never, on-fault or always"));
    CHECK(item_refused("restart { backoff = 1s }",
                       "a.restart: found no `when`, expected `when = on-fault` or `always`"));
    CHECK(item_refused("restart { when = always; limit = 0 }",
                       "a.restart.limit: found \"0\", expected a whole number from 1 to 1000000"));
    CHECK(item_refused("restart { when = always; delay = 1s }",
                       "a.restart.delay: found an unknown item, expected when, backoff or limit"));
    CHECK(accepted("restart { when = on-fault; backoff = 1ms; limit = 1 }"));
}

static void routes(void)
{
    CHECK(item_refused("route { x = c }",
                       "a.route.x: found \"c\", expected parent, any or the name of a child"));
    CHECK(item_refused("route { x = b }",
                       "a.route.x: found child \"b\", which does not provide \"x\"; "
                       "expected it in b.provides"));
    CHECK(item_refused("route { y { label = q } }",
                       "a.route.y.to: found no `to`, expected parent, any or the name of a child"));
    CHECK(item_refused("route { y { to = b; via = b } }",
                       "a.route.y.via: found an unknown item, expected one of to, label, "
                       "label_prefix, label_suffix, args, for_label, for_prefix, for_args"));
    CHECK(item_refused("route { y { to = b; label = q; label_suffix = r } }",
                       "a.route.y.label: found beside label_prefix or label_suffix, expected it "
                       "alone"));
    CHECK(item_refused("route { rom { to = parent; for_args = config } } config { x = 1 }",
                       "a.config: found beside a route of rom for \"config\", expected one of the "
                       "two"));
    CHECK(
        item_refused("route { y = parent; y { to = b; for_label = n } }",
                     "a.route.y: found a further route after one for all labels, expected that one "
                     "last"));
    CHECK(item_refused("route { a23456789012345678901234567890bc = parent }",
                       "a.route.a23456789012345678901234567890bc: found a name of 32 characters, "
                       "expected at most 31"));
    CHECK(item_refused("route = parent;", "a.route: found \"parent\", expected a block { ... }"));
    CHECK(accepted("route { y { to = b; for_label = n } y = any; z = parent; default = b }"));
    CHECK(
        accepted("route { y { to = b; for_prefix = n; label_prefix = p } y { to = b; for_args = q; "
                 "label_suffix = s } y = any }"));
    CHECK(accepted("route { y { to = b; label = \"\" } }")); // init's own
    CHECK(item_refused("route { y { to = b; label = yes } }",
                       "a.route.y.label: found \"true\", expected a text"));
    CHECK(item_refused("route { y { to = b; for_label = \"\" } }",
                       "a.route.y.for_label: found \"\", expected a text"));
}

static void names(void)
{
    CHECK(item_refused(
        "rams = 1Mb;",
        "a.rams: found an unknown item, expected one of binary, args, ram, kmem, keep, caps, "
        "priority, budget, period, heartbeat, affinity, provides, start, debug, restart, "
        "route, config"));
    CHECK(refused("child a { " GOOD "}\nchild a { " GOOD "}",
                  "a: found twice, expected children of different names"));
    CHECK(refused(
        "child any { " GOOD "}",
        "any: found a name that means something else in routes and labels, expected another"));
    CHECK(refused("child \"a/b\" { " GOOD "}", "a/b: found a name that is no name of a child"));
    CHECK(refused(
        "children b {}",
        "children: found an unknown item, expected `child NAME { ... }`, heartbeat or report"));
    CHECK(refused("child = 5", "child: found \"5\", expected `child NAME { ... }`"));
    CHECK(refused("child a [ 1 ]", "a: found \"a list\", expected a block { ... }"));
}

static void blocks_of_children(void)
{
    char deep[512] = "config { ";
    for (unsigned i = 0; i < 17; i++)
        strcat(deep, "in {\n");
    for (unsigned i = 0; i < 18; i++)
        strcat(deep, "}\n");
    CHECK(refused("child a { " GOOD " args = x; config { args = y } }",
                  "a.config.args: found beside a.args, expected one of the two"));
    CHECK(item_refused("config { x = 1.5; }",
                       "a.config.x: found \"1.5\", expected a whole number, a "
                       "time, a text, or yes or no"));
    CHECK(item_refused("config { in { x = -5; } }",
                       "a.config.in.x: found \"-5\", expected a number from 0 to 2^53"));
    CHECK(item_refused("config { x = 1; x = 2; }",
                       "a.config.x: found twice, expected once; a list is "
                       "written [ a, b ]"));
    CHECK(item_refused(deep,
                       "a.config.in.in.in.in.in.in.in.in.in.in.in.in.in.in.in.in.in: found more "
                       "than 16 blocks in each other, expected fewer"));
    CHECK(accepted("config { x = 1; y = text; z = [ 1, { q = 2 } ]; }"));
}

// A child that is an init itself has children in its `config` block.
static void nested_inits(void)
{
#define APPS(items) "child apps { binary = init; " GOOD "config { " items " } }"
    CHECK(refused(APPS("child x { ram = 64; caps = 64 }"),
                  "apps.config.x.ram: found \"64\", expected a size from 4Kb to 1024Gb"));
    CHECK(refused(APPS("x = 1"), "apps.config.x: found an unknown item, expected `child NAME "
                                 "{ ... }`, heartbeat or report"));
    CHECK(refused(APPS("heartbeat = 1s"),
                  "apps.config.child: found none, expected at least one `child NAME { ... }`"));
    CHECK(refused("child b { " GOOD "provides = y }" APPS("child x { " GOOD "route { y = b } }"),
                  "apps.config.x.route.y: found \"b\", expected parent, any or the name of a "
                  "child"));
    CHECK(refused("child apps { binary = init; " GOOD "heartbeat = 1s; config { child x { " GOOD
                  "} } }",
                  "apps.config.heartbeat: found nothing, expected a time below apps.heartbeat"));
    CHECK(refused("child apps { binary = init; " GOOD "heartbeat = 1s; config { heartbeat = 2s; "
                  "child x { " GOOD "} } }",
                  "apps.config.heartbeat: found \"2s\", expected less than apps.heartbeat"));
    CHECK(refused(APPS("report { to = x } child x { " GOOD " }"),
                  "apps.config.report.to: found child \"x\", which does not provide "
                  "\"report\"; expected it in x.provides"));
    CHECK(refused(APPS("report { to = parent; delay = 1; what = [ all ] } child x { " GOOD " }"),
                  "apps.config.report.what: found \"all\", expected children, sessions or quotas"));
    CHECK(refused("child init { " GOOD "}",
                  "init: found a name that means something else in routes and labels"));
    CHECK(compile(APPS("heartbeat = 100ms; report { to = parent; delay = 1s; what = [ children ] } "
                       "child deep { binary = init; " GOOD "config { child x { " GOOD
                       "provides = y } child z { " GOOD "route { y = x } } } }")) == 0);
}

static void policies_of_servers(void)
{
#define POLICY(items) "config { " items " }"
    CHECK(item_refused(POLICY("policy { report = r }"),
                       "a.config.policy.0: found none or several of them, expected one of label, "
                       "label_prefix, label_suffix or `default = yes`"));
    CHECK(item_refused(POLICY("policy { label = x; label_suffix = y }"),
                       "a.config.policy.0: found none or several of them, expected one of label, "
                       "label_prefix, label_suffix or `default = yes`"));
    CHECK(item_refused(POLICY("policy { default = no }"),
                       "a.config.policy.0.default: found \"false\", expected yes"));
    CHECK(item_refused(POLICY("policy { label = x; r = 1 } policy { label = x; r = 2 }"),
                       "a.config.policy.1: found a second policy for label = \"x\", expected one"));
    CHECK(item_refused(POLICY("policy { label = [ x, y ] }"),
                       "a.config.policy.0.label: found \"a list\", expected a text of at most 127 "
                       "characters"));
    CHECK(accepted(POLICY("policy { label = x; r = 1 } policy { label_prefix = x; r { s = 2 } } "
                          "policy { default = yes } other { policy = 5 }")));
}

static void syntax_errors_name_file_line_and_column(void)
{
    // libucl counts columns from 0.
    CHECK(refused("child a {\n  ram = }\n", "conf_errors.ucl: line: 2, column: 8"));
    CHECK(refused("child a {\n  ram = 1Mb;\n", "unmatched open brace"));
    CHECK(refused(".include \"build/host/no-such-file.ucl\"\n", "no-such-file.ucl"));
}

static void all_errors_are_listed(void)
{
    CHECK(compile("child a { ram = 1; caps = 1; foo = 1 }\nchild b { " GOOD "start = 7 }\n") == 1);
    CHECK(strstr(output, ": a.ram: ") && strstr(output, ": a.caps: "));
    CHECK(strstr(output, ": a.foo: ") && strstr(output, ": b.start: "));
    CHECK(lines() == 4);
}

static void included_files_are_dependencies(void)
{
    static char rule[4096];
    FILE *file = fopen("build/host/conf_errors.part", "w");
    fputs("child a { " GOOD " }\n", file);
    fclose(file);
    CHECK(compile(".include \"build/host/conf_errors.part\"\n") == 0);
    file = fopen(OUT ".d", "r");
    size_t length = file ? fread(rule, 1, sizeof(rule) - 1, file) : 0;
    if (file)
        fclose(file);
    CHECK(length > 0 && !strncmp(rule, OUT ":", strlen(OUT ":")));
    CHECK(strstr(rule, "build/host/conf_errors.part\n"));
    CHECK(strstr(rule, "build/host/conf_errors.part:\n")); // may go away without an error of make
}

static void files_that_are_not_there(void)
{
    CHECK(system("build/tools/conf -o " OUT " build/host/no-such-file 2>/dev/null") != 0);
    CHECK(system("build/tools/conf -o build/no/such/place " IN " 2>/dev/null") != 0);
    CHECK(system("build/tools/conf " IN " 2>/dev/null") != 0);
}

int main(void)
{
    RUN(required_items);
    RUN(sizes_and_counts);
    RUN(what_is_kept);
    RUN(times);
    RUN(lists_and_switches);
    RUN(restarts);
    RUN(routes);
    RUN(names);
    RUN(blocks_of_children);
    RUN(nested_inits);
    RUN(policies_of_servers);
    RUN(syntax_errors_name_file_line_and_column);
    RUN(all_errors_are_listed);
    RUN(included_files_are_dependencies);
    RUN(files_that_are_not_there);
    return check_failures != 0;
}
