// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Reading the configuration (config.h).
#include "init/config.h"
#include "lib/rt/heap.h"
#include <libfdt.h>

enum { PAGE_HEAD = 4096, DEPTH_MAX = 16, PRIORITY_DEFAULT = 64 };

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

static void affinity_read(const void *blob, int node, struct config_child *c)
{
    int length;
    const u8 *value = fdt_getprop(blob, node, "affinity", &length);
    for (int i = 0; value && i + 4 <= length && c->affinity_count < CONFIG_CPUS_MAX; i += 4)
        c->affinity[c->affinity_count++] =
            (u32)value[i] << 24 | (u32)value[i + 1] << 16 | (u32)value[i + 2] << 8 | value[i + 3];
}

static bool same(const char *a, const char *b)
{
    return a && b && !strcmp(a, b);
}

// Sessions are opened often and the tree is slow to search: the routes are read once.
static void routes_read(const void *blob, struct config_child *c)
{
    int node, routes = fdt_subnode_offset(blob, c->node, "route");
    u32 count = 0;
    if (routes < 0)
        return;
    for (node = fdt_first_subnode(blob, routes); node >= 0; node = fdt_next_subnode(blob, node))
        count++;
    c->routes = heap_zalloc(count * sizeof(struct config_route_entry));
    if (!c->routes)
        return; // all is denied
    for (node = fdt_first_subnode(blob, routes); node >= 0; node = fdt_next_subnode(blob, node)) {
        u64 kind = number(blob, node, "kind", CONFIG_ROUTE_DENY);
        c->routes[c->route_count++] = (struct config_route_entry){
            .service = text(blob, node, "service"),
            .for_label = text(blob, node, "for_label"),
            .route = {.kind = kind <= CONFIG_ROUTE_ANY ? (enum config_route_kind)kind
                                                       : CONFIG_ROUTE_DENY,
                      .to = text(blob, node, "to"),
                      .label = text(blob, node, "label"),
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
    c->kmem_bytes = number(blob, node, "kmem", 256 * 1024);
    c->caps = (u32)number(blob, node, "caps", 0);
    c->priority = (u32)number(blob, node, "priority", PRIORITY_DEFAULT);
    c->budget_us = number(blob, node, "budget", 0);
    c->period_us = number(blob, node, "period", 0);
    c->restart = (enum config_restart)number(blob, node, "restart", CONFIG_RESTART_NEVER);
    c->backoff_us = number(blob, node, "backoff", 100000);
    c->limit = (u32)number(blob, node, "limit", 0);
    c->heartbeat_us = number(blob, node, "heartbeat", 0);
    c->start = number(blob, node, "start", 1) != 0;
    affinity_read(blob, node, c);
    routes_read(blob, c);
}

error_t config_open(struct config *config, const void *blob, size_t size)
{
    config->blob = blob;
    if (size < sizeof(struct fdt_header) || fdt_check_header(blob) || fdt_totalsize(blob) > size)
        return EPROTO;
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

void config_route(const struct config_child *child, const char *service, const char *label,
                  struct config_route *route)
{
    for (u32 i = 0; i < child->route_count; i++) {
        const struct config_route_entry *e = &child->routes[i];
        if ((same(e->service, service) || same(e->service, "*")) &&
            (!e->for_label || same(e->for_label, label))) {
            *route = e->route;
            return;
        }
    }
    *route = (struct config_route){.kind = CONFIG_ROUTE_DENY};
}

bool config_provides(const struct config *config, const struct config_child *child,
                     const char *service)
{
    return fdt_stringlist_search(config->blob, child->node, "provides", service) >= 0;
}

static int copy_properties(const void *blob, int node, void *to)
{
    int property, error = 0;
    for (property = fdt_first_property_offset(blob, node); property >= 0 && !error;
         property = fdt_next_property_offset(blob, property)) {
        const char *name;
        int length;
        const void *value = fdt_getprop_by_offset(blob, property, &name, &length);
        error = value ? fdt_property(to, name, value, length) : length;
    }
    return error;
}

// A node and what is below it. The depth is bounded, since the blob may lie.
static int copy_node(const void *blob, int node, void *to, unsigned depth)
{
    const char *name = fdt_get_name(blob, node, NULL);
    if (!name || depth > DEPTH_MAX)
        return -FDT_ERR_BADSTRUCTURE;
    int error = fdt_begin_node(to, depth ? name : "");
    if (!error)
        error = copy_properties(blob, node, to);
    for (int sub = fdt_first_subnode(blob, node); sub >= 0 && !error;
         sub = fdt_next_subnode(blob, sub))
        error = copy_node(blob, sub, to, depth + 1);
    return error ? error : fdt_end_node(to);
}

// The size of the part is not known before it is written: that of the whole is enough.
size_t config_extract(const struct config *config, const struct config_child *child, void *buffer,
                      size_t size)
{
    const void *blob = config->blob;
    size_t enough = fdt_totalsize(blob) + PAGE_HEAD;
    int node = fdt_subnode_offset(blob, child->node, "config");
    if (node < 0)
        return 0;
    if (size < enough)
        return enough;
    int error = fdt_create(buffer, (int)size);
    if (!error)
        error = fdt_finish_reservemap(buffer);
    if (!error)
        error = copy_node(blob, node, buffer, 0);
    if (!error)
        error = fdt_finish(buffer);
    return error ? 0 : enough;
}
