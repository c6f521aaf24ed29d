// needs: init/config.c -lfdt
// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// From the text of a configuration to what init reads: tools/conf compiles, init/config.c walks;
// and trees that it has not compiled.
#include "init/config.h"
#include "lib/rt/heap.h"
#include "test/host/check.h"
#include <libfdt.h>
#include <string.h>

enum { BLOB_MAX = 64 * 1024 };

static const char text[] =
    "# Three children.\n"
    "child server { ram = 1Mb; caps = 200; provides = [ echo, count ]; }\n"
    "child whole {\n"
    "    binary = program; args = \"one two\"; ram = 1536Kb; kmem = 1Mb; keep = 8Kb; caps = 64; "
    "priority = 9;\n"
    "    affinity = [ 3, 1 ]; budget = 5ms; period = 0.1s; heartbeat = 2s; start = no;\n"
    "    provides = single;\n"
    "    restart { when = always; backoff = 250ms; limit = 7 }\n"
    "    route {\n"
    "        default = any;\n"
    "        echo { to = server; for_label = \"gold\"; label = \"new\"; args = \"first\" }\n"
    "        echo { to = server; for_label = \"tin\" }\n"
    "        echo { to = server; for_prefix = \"br\"; args = \"prefix\" }\n"
    "        echo { to = server; for_args = \"some\"; args = \"of args\" }\n"
    "        echo = parent;\n"
    "        count = server; timer { to = parent; args = \"2\"; label = \"\" }\n"
    "    }\n"
    "    config {\n"
    "        word = hello; every = 100ms; size = 2Kb; flag = on; list = [ a, bc ];\n"
    "        nested { n = 5; deeper { m = 6 } } numbers = [ 7, 8 ]\n"
    "    }\n"
    "}\n"
    "child plain { ram = 64Kb; caps = 16; restart = on-fault; affinity = 2; route { echo = server "
    "} }\n";

static void *blob;
static size_t blob_size;
static bool heap_empty;

void *heap_zalloc(size_t bytes)
{
    return heap_empty ? NULL : calloc(1, bytes);
}

static void compile(void)
{
    static u8 data[BLOB_MAX];
    FILE *f = fopen("build/host/init_config.ucl", "w");
    fputs(text, f);
    fclose(f);
    CHECK(system("build/tools/conf -o build/host/init_config.dtb build/host/init_config.ucl") == 0);
    f = fopen("build/host/init_config.dtb", "r");
    blob_size = f ? fread(data, 1, sizeof(data), f) : 0;
    blob = data;
    if (f)
        fclose(f);
    CHECK(blob_size > sizeof(struct fdt_header));
}

static bool child_named(struct config *config, const char *name, struct config_child *c)
{
    CHECK(config_open(config, blob, blob_size) == SUCCESS);
    for (int at = config_child_first(config, c); at >= 0; at = config_child_next(config, c)) {
        if (!strcmp(c->name, name))
            return true;
        free(c->routes);
    }
    CHECK(!"the child is there");
    return false;
}

static void children_in_order(void)
{
    static const char *const names[] = {"server", "whole", "plain"};
    struct config config;
    struct config_child c;
    unsigned count = 0;
    CHECK(config_open(&config, blob, blob_size) == SUCCESS);
    for (int at = config_child_first(&config, &c); at >= 0; at = config_child_next(&config, &c)) {
        CHECK(count < 3 && !strcmp(c.name, names[count]));
        count++;
        free(c.routes);
    }
    CHECK(count == 3);
}

static void every_item_is_read(void)
{
    struct config config;
    struct config_child c;
    if (!child_named(&config, "whole", &c))
        return;
    CHECK(!strcmp(c.binary, "program") && !strcmp(c.args, "one two"));
    CHECK(c.ram_bytes == 1536 * 1024 && c.kmem_bytes == 1024 * 1024);
    CHECK(c.keep_bytes == 8192);
    CHECK(c.caps == 64 && c.priority == 9 && !c.start);
    CHECK(c.affinity_count == 2 && c.affinity[0] == 3 && c.affinity[1] == 1);
    CHECK(c.budget_us == 5000 && c.period_us == 100000 && c.heartbeat_us == 2000000);
    CHECK(c.restart == CONFIG_RESTART_ALWAYS && c.backoff_us == 250000 && c.limit == 7);
    CHECK(config_provides(&config, &c, "single") && !config_provides(&config, &c, "singl"));
    free(c.routes);
}

static void what_is_not_said_has_its_default(void)
{
    struct config config;
    struct config_child c;
    if (!child_named(&config, "server", &c))
        return;
    CHECK(!strcmp(c.binary, "server") && !*c.args);
    CHECK(c.kmem_bytes == 256 * 1024 && c.priority == 64 && c.start);
    CHECK(!c.affinity_count && !c.budget_us && !c.period_us && !c.heartbeat_us);
    CHECK(c.restart == CONFIG_RESTART_NEVER && c.backoff_us == 100000 && !c.limit);
    CHECK(config_provides(&config, &c, "echo") && config_provides(&config, &c, "count"));
    CHECK(!config_provides(&config, &c, "single") && !config_provides(&config, &c, ""));
    CHECK(c.route_count == 0);
    free(c.routes);
    if (!child_named(&config, "plain", &c))
        return;
    CHECK(c.restart == CONFIG_RESTART_ON_FAULT && c.affinity_count == 1 && c.affinity[0] == 2);
    CHECK(!config_provides(&config, &c, "echo"));
    free(c.routes);
}

static void routes_by_service_and_label(void)
{
    struct config config;
    struct config_child c;
    struct config_route r;
    if (!child_named(&config, "whole", &c))
        return;
    config_route(&c, "echo", "gold", "", &r);
    CHECK(r.kind == CONFIG_ROUTE_CHILD && !strcmp(r.to, "server"));
    CHECK(r.label && !strcmp(r.label, "new") && r.args && !strcmp(r.args, "first"));
    config_route(&c, "echo", "tin", "", &r);
    CHECK(r.kind == CONFIG_ROUTE_CHILD && !strcmp(r.to, "server") && !r.label && !r.args);
    config_route(&c, "echo", "brass", "", &r);
    CHECK(r.kind == CONFIG_ROUTE_CHILD && r.args && !strcmp(r.args, "prefix"));
    config_route(&c, "echo", "a brass", "some", &r);
    CHECK(r.kind == CONFIG_ROUTE_CHILD && r.args && !strcmp(r.args, "of args"));
    config_route(&c, "echo", "a brass", "some more", &r);
    CHECK(r.kind == CONFIG_ROUTE_PARENT);
    config_route(&c, "echo", "golden", "", &r);
    CHECK(r.kind == CONFIG_ROUTE_PARENT && !r.label && !r.args);
    config_route(&c, "echo", "", "", &r);
    CHECK(r.kind == CONFIG_ROUTE_PARENT);
    config_route(&c, "count", "gold", "", &r);
    CHECK(r.kind == CONFIG_ROUTE_CHILD && !strcmp(r.to, "server"));
    config_route(&c, "timer", "x", "", &r);
    CHECK(r.kind == CONFIG_ROUTE_PARENT && r.args && !strcmp(r.args, "2") && r.label && !*r.label);
    config_route(&c, "unknown", "gold", "", &r); // the default, though it stands first in the text
    CHECK(r.kind == CONFIG_ROUTE_ANY);
    free(c.routes);
}

static void what_has_no_route_is_denied(void)
{
    struct config config;
    struct config_child c;
    struct config_route r;
    if (!child_named(&config, "plain", &c))
        return;
    config_route(&c, "echo", "", "", &r);
    CHECK(r.kind == CONFIG_ROUTE_CHILD);
    config_route(&c, "count", "", "", &r);
    CHECK(r.kind == CONFIG_ROUTE_DENY);
    config_route(&c, "*", "", "", &r);
    CHECK(r.kind == CONFIG_ROUTE_DENY);
    config_route(&c, "", "", "", &r);
    CHECK(r.kind == CONFIG_ROUTE_DENY);
    free(c.routes);
    heap_empty = true;
    if (child_named(&config, "plain", &c)) {
        config_route(&c, "echo", "", "", &r);
        CHECK(r.kind == CONFIG_ROUTE_DENY);
    }
    heap_empty = false;
}

static u64 number_at(const void *tree, const char *path, const char *name)
{
    int length = 0, node = fdt_path_offset(tree, path);
    const void *value = node < 0 ? NULL : fdt_getprop(tree, node, name, &length);
    return value && length == 8 ? fdt64_ld(value) : ~0ul; // it lies at a multiple of 4
}

static void the_block_is_a_tree_of_its_own(void)
{
    struct config config;
    struct config_child c;
    int length;
    if (!child_named(&config, "whole", &c))
        return;
    size_t size = config_extract(&config, &c, NULL, 0);
    CHECK(size > 0 && size < blob_size);
    void *tree = malloc(size); // exact, so that the sanitizer sees the end
    CHECK(config_extract(&config, &c, tree, size - 1) == size);
    CHECK(config_extract(&config, &c, tree, size) == size);
    CHECK(fdt_check_full(tree, size) == 0);
    CHECK(number_at(tree, "/", "every") == 100000 && number_at(tree, "/", "size") == 2048);
    CHECK(number_at(tree, "/nested", "n") == 5 && number_at(tree, "/nested/deeper", "m") == 6);
    CHECK(number_at(tree, "/numbers", "0") == 7 && number_at(tree, "/numbers", "1") == 8);
    CHECK(fdt_stringlist_count(tree, 0, "list") == 2);
    CHECK(!strcmp(fdt_stringlist_get(tree, 0, "list", 1, &length), "bc"));
    CHECK(!strcmp(fdt_stringlist_get(tree, 0, "word", 0, &length), "hello"));
    CHECK(!strcmp(fdt_stringlist_get(tree, 0, "args", 0, &length), "one two"));
    const fdt32_t *flag = fdt_getprop(tree, 0, "flag", &length);
    CHECK(flag && length == 4 && fdt32_to_cpu(*flag) == 1);
    CHECK(fdt_path_offset(tree, "/route") < 0); // what others may not see
    free(tree);
    free(c.routes);
    if (child_named(&config, "plain", &c)) {
        CHECK(config_extract(&config, &c, NULL, 0) == 0);
        free(c.routes);
    }
}

// A tree of one child of that name, whose block nests so deep.
static void *tree_of(const char *name, unsigned depth)
{
    void *tree = calloc(1, 4096);
    CHECK(!fdt_create(tree, 4096) && !fdt_finish_reservemap(tree) && !fdt_begin_node(tree, ""));
    CHECK(!fdt_begin_node(tree, name) && !fdt_begin_node(tree, "config"));
    for (unsigned i = 0; i < depth; i++)
        CHECK(!fdt_begin_node(tree, "in"));
    for (unsigned i = 0; i < depth + 3; i++)
        CHECK(!fdt_end_node(tree));
    CHECK(!fdt_finish(tree));
    return tree;
}

static size_t extract_of(const char *name, unsigned depth, error_t *error)
{
    struct config config;
    struct config_child c;
    void *tree = tree_of(name, depth);
    size_t bytes = 0;
    *error = config_open(&config, tree, 4096);
    if (!*error && config_child_first(&config, &c) >= 0) {
        bytes = config_extract(&config, &c, NULL, 0);
        free(c.routes);
    }
    free(tree);
    return bytes;
}

static void malformed_items_have_their_defaults(void)
{
    static const u8 many[4 * (CONFIG_CPUS_MAX + 4)] = {0};
    struct config config;
    struct config_child c;
    void *tree = calloc(1, 4096);
    CHECK(!fdt_create(tree, 4096) && !fdt_finish_reservemap(tree) && !fdt_begin_node(tree, ""));
    CHECK(!fdt_begin_node(tree, "name") && !fdt_property(tree, "binary", "open", 4));
    CHECK(!fdt_property(tree, "args", "", 0) && !fdt_property(tree, "kmem", "\1\1\1\1\1", 5));
    CHECK(!fdt_property_u64(tree, "priority", 1000) && !fdt_property_u64(tree, "caps", 1ul << 40));
    CHECK(!fdt_property_u64(tree, "heartbeat", ~0ul) && !fdt_property_u32(tree, "restart", 3));
    CHECK(!fdt_property(tree, "affinity", many, sizeof(many)) && !fdt_begin_node(tree, "route"));
    CHECK(!fdt_begin_node(tree, "r0") && !fdt_property_u32(tree, "kind", 4));
    CHECK(!fdt_property(tree, "service", "open", 4) && !fdt_property_string(tree, "to", "x"));
    for (unsigned i = 0; i < 4; i++)
        CHECK(!fdt_end_node(tree));
    CHECK(!fdt_finish(tree) && !config_open(&config, tree, 4096));
    CHECK(config_child_first(&config, &c) >= 0);
    CHECK(!strcmp(c.binary, "name") && !*c.args && c.kmem_bytes == 256 * 1024 && !c.ram_bytes);
    CHECK(c.priority == 255 && c.caps == UINT32_MAX && c.heartbeat_us == 4000000000);
    CHECK(c.restart == CONFIG_RESTART_NEVER && c.affinity_count == CONFIG_CPUS_MAX);
    CHECK(c.route_count == 1 && c.routes[0].route.kind == CONFIG_ROUTE_DENY);
    CHECK(!c.routes[0].service);
    free(c.routes);
    free(tree);
}

static void hostile_trees_are_refused(void)
{
    struct config config;
    error_t error;
    char name[CONFIG_NAME_MAX + 1];
    for (size_t size = 0; size < blob_size; size++)
        CHECK(config_open(&config, blob, size) == EPROTO);
    CHECK(extract_of("a", CONFIG_DEPTH_MAX, &error) > 0 && !error);
    CHECK(extract_of("a", CONFIG_DEPTH_MAX + 1, &error) == 0 && !error);
    extract_of("", 0, &error);
    CHECK(error == EPROTO);
    memset(name, 'n', sizeof(name));
    name[CONFIG_NAME_MAX] = 0; // one more than allowed
    extract_of(name, 0, &error);
    CHECK(error == EPROTO);
    name[CONFIG_NAME_MAX - 1] = 0;
    extract_of(name, 0, &error);
    CHECK(error == SUCCESS);
}

int main(void)
{
    compile();
    if (check_failures)
        return 1;
    RUN(children_in_order);
    RUN(every_item_is_read);
    RUN(what_is_not_said_has_its_default);
    RUN(routes_by_service_and_label);
    RUN(what_has_no_route_is_denied);
    RUN(the_block_is_a_tree_of_its_own);
    RUN(malformed_items_have_their_defaults);
    RUN(hostile_trees_are_refused);
    return check_failures != 0;
}
