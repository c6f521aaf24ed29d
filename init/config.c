// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Reading the configuration (config.h).
#include "init/config.h"
#include "lib/rt/heap.h"
#include <libfdt.h>
#include <tessera/hypercall.h>

enum {
    KMEM_DEFAULT = 256 << 10,
    PRIORITY_DEFAULT = 64,
    BACKOFF_DEFAULT_US = 100000,
    REPORT_DELAY_DEFAULT_US = 100000,
};
// A flattened tree beside its nodes: header, the empty list of reservations, alignment, end.
enum { TREE_FRAME = 96 };
static const u64 TIME_MAX_US = 4000000000;

// A string property; NULL if there is none, or it does not end.
static const char *text(const void *blob, int node, const char *name)
{
    int length;
    const char *value = fdt_getprop(blob, node, name, &length);
    return value && length > 0 && value[length - 1] == 0 ? value : NULL;
}

static u64 number(const void *blob, int node, const char *name, u64 otherwise)
{
    int length;
    const u8 *value = fdt_getprop(blob, node, name, &length);
    u64 result = 0;
    if (!value || (length != 4 && length != 8))
        return otherwise;
    for (int i = 0; i < length; i++)
        result = result << 8 | value[i];
    return result;
}

// Likewise, and `most` for what is more.
static u64 number_below(const void *blob, int node, const char *name, u64 otherwise, u64 most)
{
    u64 value = number(blob, node, name, otherwise);
    return value < most ? value : most;
}

static void affinity_read(const void *blob, int node, struct config_child *c)
{
    int length;
    const u8 *value = fdt_getprop(blob, node, "affinity", &length);
    for (int i = 0; value && i + 4 <= length && c->affinity_count < CONFIG_CPUS_MAX; i += 4)
        c->affinity[c->affinity_count++] =
            (u32)value[i] << 24 | (u32)value[i + 1] << 16 | (u32)value[i + 2] << 8 | value[i + 3];
}

// The first eight bytes of a name: most names that are compared differ there.
static u64 key_of(const char *name)
{
    u64 key = 0;
    for (unsigned i = 0; name && i < 8 && name[i]; i++)
        key |= (u64)(u8)name[i] << 8 * i;
    return key;
}

static bool same(const char *a, const char *b)
{
    return a && b && *a == *b && !strcmp(a, b); // most differ at once
}

// Sessions are opened often and the tree is slow to search: the routes are read once.
static void routes_read(const void *blob, struct config_child *c)
{
    int node, routes = fdt_subnode_offset(blob, c->node, "route");
    u32 count = 0;
    c->whole = true;
    if (routes < 0)
        return;
    for (node = fdt_first_subnode(blob, routes); node >= 0; node = fdt_next_subnode(blob, node))
        count++;
    c->routes = heap_zalloc(count * sizeof(struct config_route_entry));
    c->whole = c->routes || !count;
    if (!c->routes)
        return; // all is denied
    for (node = fdt_first_subnode(blob, routes); node >= 0; node = fdt_next_subnode(blob, node)) {
        u64 kind = number(blob, node, "kind", CONFIG_ROUTE_DENY);
        c->routes[c->route_count++] = (struct config_route_entry){
            .service = text(blob, node, "service"),
            .key = key_of(text(blob, node, "service")),
            .any = same(text(blob, node, "service"), "*"),
            .for_label = text(blob, node, "for_label"),
            .for_prefix = text(blob, node, "for_prefix"),
            .for_args = text(blob, node, "for_args"),
            .route = {.kind = kind <= CONFIG_ROUTE_ANY ? (enum config_route_kind)kind
                                                       : CONFIG_ROUTE_DENY,
                      .to = text(blob, node, "to"),
                      .label = text(blob, node, "label"),
                      .label_prefix = text(blob, node, "label_prefix"),
                      .label_suffix = text(blob, node, "label_suffix"),
                      .args = text(blob, node, "args")}};
    }
}

static void child_read(const void *blob, int node, struct config_child *c)
{
    const char *binary = text(blob, node, "binary"), *args = text(blob, node, "args");
    *c = (struct config_child){.name = fdt_get_name(blob, node, NULL), .node = node};
    c->name = c->name ? c->name : "";
    c->binary = binary ? binary : c->name;
    c->args = args ? args : "";
    c->ram_bytes = number(blob, node, "ram", 0);
    c->kmem_bytes = number(blob, node, "kmem", KMEM_DEFAULT);
    c->keep_bytes = number(blob, node, "keep", 0);
    c->caps = (u32)number_below(blob, node, "caps", 0, UINT32_MAX);
    c->priority = (u32)number_below(blob, node, "priority", PRIORITY_DEFAULT, PRIORITY_MAX);
    c->budget_us = number_below(blob, node, "budget", 0, TIME_MAX_US);
    c->period_us = number_below(blob, node, "period", 0, TIME_MAX_US);
    u64 restart = number(blob, node, "restart", CONFIG_RESTART_NEVER);
    c->restart =
        restart <= CONFIG_RESTART_ALWAYS ? (enum config_restart)restart : CONFIG_RESTART_NEVER;
    c->backoff_us = number_below(blob, node, "backoff", BACKOFF_DEFAULT_US, TIME_MAX_US);
    c->limit = (u32)number_below(blob, node, "limit", 0, UINT32_MAX);
    c->heartbeat_us = number_below(blob, node, "heartbeat", 0, TIME_MAX_US);
    c->start = number(blob, node, "start", 1) != 0;
    c->debug = number(blob, node, "debug", 0) != 0;
    affinity_read(blob, node, c);
    routes_read(blob, c);
}

static void root_read(const void *blob, struct config *config)
{
    config->heartbeat_us = number_below(blob, 0, "heartbeat", 0, TIME_MAX_US);
    config->report_to = text(blob, 0, "report_to");
    config->report = config->report_to;
    config->report_delay_us =
        number_below(blob, 0, "report_delay", REPORT_DELAY_DEFAULT_US, TIME_MAX_US);
    config->report_what = (u32)number(blob, 0, "report_what", CONFIG_REPORT_ALL);
}

static unsigned children_of(const void *blob)
{
    unsigned count = 0;
    for (int node = fdt_first_subnode(blob, 0); node >= 0; node = fdt_next_subnode(blob, node))
        count++;
    return count;
}

error_t config_open(struct config *config, const void *blob, size_t size)
{
    *config = (struct config){.blob = blob};
    if (fdt_check_full(blob, size))
        return EPROTO;
    root_read(blob, config);
    if (children_of(blob) > CONFIG_CHILDREN_MAX)
        return ERESOURCE;
    for (int node = fdt_first_subnode(blob, 0); node >= 0; node = fdt_next_subnode(blob, node)) {
        int length = 0;
        const char *name = fdt_get_name(blob, node, &length);
        if (!name || length < 1 || length >= CONFIG_NAME_MAX ||
            fdt_subnode_offset(blob, 0, name) != node)
            return EPROTO;
    }
    return SUCCESS;
}

int config_child_first(const struct config *config, struct config_child *child)
{
    int node = fdt_first_subnode(config->blob, 0);
    if (node >= 0)
        child_read(config->blob, node, child);
    return node;
}

int config_child_next(const struct config *config, struct config_child *child)
{
    int node = fdt_next_subnode(config->blob, child->node);
    if (node >= 0)
        child_read(config->blob, node, child);
    return node;
}

// Whether a route is for sessions of the service that this label and these arguments have.
static bool applies(const struct config_route_entry *e, const char *label, const char *args)
{
    return (!e->for_label || same(e->for_label, label)) &&
           (!e->for_prefix || !strncmp(label, e->for_prefix, strlen(e->for_prefix))) &&
           (!e->for_args || same(e->for_args, args));
}

void config_route(const struct config_child *child, const char *service, const char *label,
                  const char *args, struct config_route *route)
{
    u64 key = key_of(service);
    for (u32 i = 0; i < child->route_count; i++) {
        const struct config_route_entry *e = &child->routes[i];
        if (((e->key == key && same(e->service, service)) || e->any) && applies(e, label, args)) {
            *route = e->route;
            return;
        }
    }
    *route = (struct config_route){.kind = CONFIG_ROUTE_DENY};
}

bool config_elsewhere(const struct config_child *child)
{
    for (u32 i = 0; i < child->route_count; i++) {
        const struct config_route_entry *e = &child->routes[i];
        if (same(e->service, "rom") && same(e->for_args, "config"))
            return true;
    }
    return false;
}

bool config_provides(const struct config *config, const struct config_child *child,
                     const char *service)
{
    return fdt_stringlist_search(config->blob, child->node, "provides", service) >= 0;
}

// A tree that is written; if `to` is NULL, only its bytes are counted, at most.
struct copy {
    void *to;
    size_t bytes;
};

static int copy_property(struct copy *copy, const char *name, const void *value, int length)
{
    copy->bytes += 3 * sizeof(u32) + ((size_t)length + 3) / 4 * 4 + strlen(name) + 1;
    return copy->to ? fdt_property(copy->to, name, value, length) : 0;
}

static int copy_properties(const void *blob, int node, struct copy *copy)
{
    int property, error = 0;
    for (property = fdt_first_property_offset(blob, node); property >= 0 && !error;
         property = fdt_next_property_offset(blob, property)) {
        const char *name;
        int length;
        const void *value = fdt_getprop_by_offset(blob, property, &name, &length);
        error = value ? copy_property(copy, name, value, length) : length;
    }
    return error;
}

// What is in a node. The depth is bounded, since the blob may lie.
static int copy_contents(const void *blob, int node, struct copy *copy, unsigned depth)
{
    int error = copy_properties(blob, node, copy);
    for (int sub = fdt_first_subnode(blob, node); sub >= 0 && !error;
         sub = fdt_next_subnode(blob, sub)) {
        const char *name = fdt_get_name(blob, sub, NULL);
        if (!name || depth == CONFIG_DEPTH_MAX)
            return -FDT_ERR_BADSTRUCTURE;
        copy->bytes += 3 * sizeof(u32) + strlen(name) + 1;
        if (copy->to)
            error = fdt_begin_node(copy->to, name);
        if (!error)
            error = copy_contents(blob, sub, copy, depth + 1);
        if (!error && copy->to)
            error = fdt_end_node(copy->to);
    }
    return error;
}

static int copy_child(const void *blob, const struct config_child *child, int block,
                      struct copy *copy)
{
    int error = 0;
    copy->bytes = TREE_FRAME;
    if (*child->args)
        error = copy_property(copy, "args", child->args, (int)strlen(child->args) + 1);
    return block < 0 || error ? error : copy_contents(blob, block, copy, 0);
}

size_t config_extract(const struct config *config, const struct config_child *child, void *buffer,
                      size_t size)
{
    struct copy copy = {NULL, 0};
    int block = fdt_subnode_offset(config->blob, child->node, "config");
    if (block < 0 && !*child->args)
        return 0;
    if (copy_child(config->blob, child, block, &copy) || copy.bytes > INT32_MAX)
        return 0;
    size_t enough = copy.bytes;
    if (size < enough)
        return enough;
    copy.to = buffer;
    int error = fdt_create(buffer, (int)enough);
    if (!error)
        error = fdt_finish_reservemap(buffer);
    if (!error)
        error = fdt_begin_node(buffer, "");
    if (!error)
        error = copy_child(config->blob, child, block, &copy);
    if (!error)
        error = fdt_end_node(buffer);
    if (!error)
        error = fdt_finish(buffer);
    return error ? 0 : enough;
}
