// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// One child of the configuration: its items against the schema (doc/configuration.md), its routes.
#include "tools/conf/conf.h"
#include "init/config.h"
#include <libfdt.h>
#include <stdio.h>
#include <string.h>

enum kind { SIZE, COUNT, TIME, TEXT, SWITCH, TEXTS, CPUS, RESTART, ROUTES, BLOCK };

static const struct item {
    const char *name;
    enum kind kind;
    double low, high; // of numbers, in bytes, seconds or as they are
    bool required;
} items[] = {
    {"binary", TEXT, 0, 0, false},
    {"args", TEXT, 0, 0, false},
    {"ram", SIZE, 4096, 1e15, true},
    {"kmem", SIZE, 4096, 1e12, false},
    {"caps", COUNT, 16, 200000, true},
    {"priority", COUNT, 1, 127, false},
    {"budget", TIME, 1e-6, 4000, false},
    {"period", TIME, 1e-6, 4000, false},
    {"heartbeat", TIME, 0.01, 3600, false},
    {"affinity", CPUS, 0, CONFIG_CPUS_MAX - 1, false},
    {"provides", TEXTS, 0, 0, false},
    {"start", SWITCH, 0, 0, false},
    {"restart", RESTART, 0, 0, false},
    {"route", ROUTES, 0, 0, false},
    {"config", BLOCK, 0, 0, false},
};

static const char *as_text(const ucl_object_t *value)
{
    const char *s = ucl_object_tostring_forced(value);
    return s ? s : "a block";
}

static void number(const char *path, const struct item *item, const ucl_object_t *value)
{
    static const char *const what[] = {[SIZE] = "a size", [COUNT] = "a number", [TIME] = "a time"};
    double v;
    enum scalar kind = scalar_read(value, &v);
    if (kind != (item->kind == TIME ? SCALAR_TIME : SCALAR_NUMBER) || v < item->low || v > item->high) {
        complain(path, "found \"%s\", expected %s from %.15g to %.15g%s", as_text(value),
                 what[item->kind], item->low, item->high,
                 item->kind == SIZE ? " bytes (with Kb, Mb or Gb)"
                 : item->kind == TIME ? " seconds, with its unit (us, ms, s)"
                                      : "");
        return;
    }
    must(fdt_property_u64(fdt, item->name, (uint64_t)(item->kind == TIME ? v * 1e6 + 0.5 : v)));
}

static void text(const char *path, const char *name, const ucl_object_t *value)
{
    if (ucl_object_type(value) != UCL_STRING || !*ucl_object_tostring(value))
        complain(path, "found \"%s\", expected a text", as_text(value));
    else
        must(fdt_property_string(fdt, name, ucl_object_tostring(value)));
}

static void switch_(const char *path, const char *name, const ucl_object_t *value)
{
    double yes;
    if (scalar_read(value, &yes) != SCALAR_BOOLEAN)
        complain(path, "found \"%s\", expected yes or no", as_text(value));
    else
        must(fdt_property_u32(fdt, name, yes != 0));
}

// One value counts as a list of one.
static void texts(const char *path, const char *name, const ucl_object_t *value)
{
    char all[4096];
    size_t length = 0;
    ucl_object_iter_t it = NULL;
    const ucl_object_t *entry;
    while ((entry = ucl_object_iterate(value, &it, ucl_object_type(value) == UCL_ARRAY))) {
        const char *s = ucl_object_type(entry) == UCL_STRING ? ucl_object_tostring(entry) : "";
        if (!*s || length + strlen(s) + 1 > sizeof(all)) {
            complain(path, "found \"%s\", expected a list of names", as_text(entry));
            return;
        }
        memcpy(all + length, s, strlen(s) + 1);
        length += strlen(s) + 1;
    }
    must(fdt_property(fdt, name, all, (int)length));
}

static void cpus(const char *path, const struct item *item, const ucl_object_t *value)
{
    unsigned char all[4 * CONFIG_CPUS_MAX];
    unsigned count = 0;
    ucl_object_iter_t it = NULL;
    const ucl_object_t *entry;
    while ((entry = ucl_object_iterate(value, &it, ucl_object_type(value) == UCL_ARRAY))) {
        double cpu;
        if (scalar_read(entry, &cpu) != SCALAR_NUMBER || cpu > item->high || count == CONFIG_CPUS_MAX) {
            complain(path, "found \"%s\", expected CPU numbers from 0 to %.0f", as_text(entry), item->high);
            return;
        }
        memcpy(all + 4 * count++, (unsigned char[]){0, 0, 0, (unsigned char)cpu}, 4);
    }
    must(fdt_property(fdt, item->name, all, (int)(4 * count)));
}

static void restart_when(const char *path, const ucl_object_t *value)
{
    static const char *const names[] = {"never", "on-fault", "always"};
    const char *s = ucl_object_type(value) == UCL_STRING ? ucl_object_tostring(value) : "";
    for (uint32_t i = 0; i < 3; i++) {
        if (!strcmp(s, names[i])) {
            must(fdt_property_u32(fdt, "restart", i));
            return;
        }
    }
    complain(path, "found \"%s\", expected never, on-fault or always", as_text(value));
}

static void restart(const char *path, const ucl_object_t *value)
{
    static const struct item backoff = {"backoff", TIME, 0.001, 3600, false},
                             limit = {"limit", COUNT, 1, 1e6, false};
    if (ucl_object_type(value) != UCL_OBJECT) {
        restart_when(path, value);
        return;
    }
    ucl_object_iter_t it = NULL;
    const ucl_object_t *entry;
    bool when = false;
    while ((entry = ucl_object_iterate(value, &it, true))) {
        const char *key = ucl_object_key(entry);
        char below[512];
        snprintf(below, sizeof(below), "%s.%s", path, key);
        when |= !strcmp(key, "when");
        if (!strcmp(key, "when"))
            restart_when(below, entry);
        else if (!strcmp(key, "backoff"))
            number(below, &backoff, entry);
        else if (!strcmp(key, "limit"))
            number(below, &limit, entry);
        else
            complain(below, "found an unknown item, expected when, backoff or limit");
    }
    if (!when)
        complain(path, "found no `when`, expected `when = on-fault` or `always`");
}

bool child_provides(const ucl_object_t *child, const char *service)
{
    const ucl_object_t *list = ucl_object_lookup(child, "provides"), *entry;
    ucl_object_iter_t it = NULL;
    while (list && (entry = ucl_object_iterate(list, &it, ucl_object_type(list) == UCL_ARRAY))) {
        if (ucl_object_type(entry) == UCL_STRING && !strcmp(ucl_object_tostring(entry), service))
            return true;
    }
    return false;
}

static void route_target(const char *path, const char *service, const ucl_object_t *value)
{
    const char *to = value && ucl_object_type(value) == UCL_STRING ? ucl_object_tostring(value) : NULL;
    bool any_service = !strcmp(service, "*");
    if (!to) {
        complain(path, "found no target, expected parent, any or the name of a child");
        return;
    }
    enum config_route_kind kind = !strcmp(to, "parent") ? CONFIG_ROUTE_PARENT
                                  : !strcmp(to, "any")  ? CONFIG_ROUTE_ANY
                                                        : CONFIG_ROUTE_CHILD;
    if (kind == CONFIG_ROUTE_CHILD) {
        const ucl_object_t *child = child_find(to);
        if (!child)
            complain(path, "found \"%s\", expected parent, any or the name of a child", to);
        else if (!any_service && !child_provides(child, service))
            complain(path, "child \"%s\" does not provide \"%s\"; expected it in its provides", to, service);
    }
    must(fdt_property_u32(fdt, "kind", kind));
    must(fdt_property_string(fdt, "to", kind == CONFIG_ROUTE_CHILD ? to : ""));
}

static void route(const char *path, const char *service, const ucl_object_t *value, unsigned index)
{
    char node[16];
    snprintf(node, sizeof(node), "r%u", index);
    must(fdt_begin_node(fdt, node));
    must(fdt_property_string(fdt, "service", service));
    if (ucl_object_type(value) != UCL_OBJECT) {
        route_target(path, service, value);
    } else {
        ucl_object_iter_t it = NULL;
        const ucl_object_t *entry;
        route_target(path, service, ucl_object_lookup(value, "to"));
        while ((entry = ucl_object_iterate(value, &it, true))) {
            const char *key = ucl_object_key(entry);
            char below[512];
            snprintf(below, sizeof(below), "%s.%s", path, key);
            if (!strcmp(key, "label") || !strcmp(key, "args") || !strcmp(key, "for_label"))
                text(below, key, entry);
            else if (strcmp(key, "to"))
                complain(below, "found an unknown item, expected to, label, args or for_label");
        }
    }
    must(fdt_end_node(fdt));
}

static void routes(const char *path, const ucl_object_t *value)
{
    must(fdt_begin_node(fdt, "route"));
    unsigned index = 0;
    for (int defaults = 0; defaults < 2; defaults++) { // `default` comes after all others
        ucl_object_iter_t it = NULL;
        const ucl_object_t *entry, *same;
        while ((entry = ucl_object_iterate(value, &it, true))) {
            const char *service = ucl_object_key(entry);
            char below[512];
            snprintf(below, sizeof(below), "%s.%s", path, service);
            if ((strcmp(service, "default") == 0) != defaults)
                continue;
            if (strlen(service) >= 32)
                complain(below, "found a name of %zu characters, expected at most 31", strlen(service));
            for (same = entry; same; same = same->next)
                route(below, defaults ? "*" : service, same, index++);
        }
    }
    must(fdt_end_node(fdt));
}

static void item_compile(const char *path, const struct item *item, const ucl_object_t *value)
{
    if (value->next && item->kind != ROUTES) {
        complain(path, "found twice, expected once");
        return;
    }
    if ((item->kind == ROUTES || item->kind == BLOCK) && ucl_object_type(value) != UCL_OBJECT) {
        complain(path, "found \"%s\", expected a block { ... }", as_text(value));
        return;
    }
    switch (item->kind) {
    case SIZE:
    case COUNT:
    case TIME: number(path, item, value); break;
    case TEXT: text(path, item->name, value); break;
    case SWITCH: switch_(path, item->name, value); break;
    case TEXTS: texts(path, item->name, value); break;
    case CPUS: cpus(path, item, value); break;
    case RESTART: restart(path, value); break;
    case ROUTES: routes(path, value); break;
    case BLOCK: value_compile(path, "config", value); break;
    }
}

static const struct item *item_find(const char *name)
{
    for (unsigned i = 0; i < sizeof(items) / sizeof(items[0]); i++) {
        if (!strcmp(items[i].name, name))
            return &items[i];
    }
    return NULL;
}

static void check_keys(const char *name, const ucl_object_t *child)
{
    ucl_object_iter_t it = NULL;
    const ucl_object_t *entry;
    char path[512];
    while ((entry = ucl_object_iterate(child, &it, true))) {
        snprintf(path, sizeof(path), "%s.%s", name, ucl_object_key(entry));
        if (!item_find(ucl_object_key(entry)))
            complain(path, "found an unknown item, expected one of binary, args, ram, kmem, caps, priority, budget, "
                           "period, heartbeat, affinity, provides, start, restart, route, config");
    }
    if (!ucl_object_lookup(child, "budget") != !ucl_object_lookup(child, "period"))
        complain(name, "found one of budget and period, expected both or none");
    if (strlen(name) >= CONFIG_NAME_MAX || strchr(name, '/'))
        complain(name, "found a name that is too long or has a slash, expected at most %d characters", CONFIG_NAME_MAX - 1);
}

void child_compile(const char *name, const ucl_object_t *child)
{
    char path[512];
    if (ucl_object_type(child) != UCL_OBJECT) {
        complain(name, "found \"%s\", expected a block { ... }", as_text(child));
        return;
    }
    check_keys(name, child);
    must(fdt_begin_node(fdt, name));
    for (unsigned i = 0; i < sizeof(items) / sizeof(items[0]); i++) {
        const ucl_object_t *value = ucl_object_lookup(child, items[i].name);
        snprintf(path, sizeof(path), "%s.%s", name, items[i].name);
        if (value)
            item_compile(path, &items[i], value);
        else if (items[i].required)
            complain(path, "found nothing, expected it: it is required");
    }
    must(fdt_end_node(fdt));
}
