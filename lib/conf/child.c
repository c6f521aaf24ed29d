// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// One child of the configuration: its items against the schema (doc/configuration.md), its routes.
#include "lib/service/protocol.h"
#include "lib/conf/compile.h"
#include "lib/conf/form.h"
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
    {"binary", TEXT, 0, CONFIG_NAME_MAX, false},
    {"args", TEXT, 0, SERVICE_ARGS_MAX, false},
    {"ram", SIZE, 4096, 1ull << 40, true},
    {"kmem", SIZE, 4096, 1ull << 40, false},
    {"keep", SIZE, 4096, 1ull << 40, false},
    {"caps", COUNT, 16, 200000, true},
    {"priority", COUNT, 1, 127, false},
    {"budget", TIME, 2e-5, 4000, false},
    {"period", TIME, 2e-5, 4000, false},
    {"heartbeat", TIME, 0.01, 3600, false},
    {"affinity", CPUS, 0, CONFIG_CPUS_MAX - 1, false},
    {"provides", TEXTS, 0, 0, false},
    {"start", SWITCH, 0, 0, false},
    {"debug", SWITCH, 0, 0, false},
    {"restart", RESTART, 0, 0, false},
    {"route", ROUTES, 0, 0, false},
    {"config", BLOCK, 0, 0, false},
};

const char *bytes_text(double bytes, char *text, size_t size)
{
    static const char *const units[] = {"", "Kb", "Mb", "Gb"};
    unsigned unit = 0;
    while (unit < 3 && bytes >= 1024 && (uint64_t)bytes % 1024 == 0) {
        bytes /= 1024;
        unit++;
    }
    snprintf(text, size, "%.15g%s", bytes, units[unit]);
    return text;
}

static const char *bound_text(enum kind kind, double bound, char *text, size_t size)
{
    if (kind == SIZE)
        return bytes_text(bound, text, size);
    const char *unit = kind == COUNT ? "" : bound < 1e-3 ? "us" : bound < 1 ? "ms" : "s";
    double factor = kind == COUNT ? 1 : bound < 1e-3 ? 1e6 : bound < 1 ? 1e3 : 1;
    snprintf(text, size, "%.15g%s", bound * factor, unit);
    return text;
}

static void number(const char *path, const struct item *item, const ucl_object_t *value)
{
    static const char *const what[] = {
        [SIZE] = "a size", [COUNT] = "a whole number", [TIME] = "a time with its unit"};
    double v;
    char low[32], high[32];
    enum scalar kind = scalar_read(value, &v);
    if (kind != (item->kind == TIME ? SCALAR_TIME : SCALAR_NUMBER) || v < item->low ||
        v > item->high)
        complain(path, "found \"%s\", expected %s from %s to %s", value_text(value),
                 what[item->kind], bound_text(item->kind, item->low, low, sizeof(low)),
                 bound_text(item->kind, item->high, high, sizeof(high)));
    else
        must(fdt_property_u64(fdt, item->name, (uint64_t)(item->kind == TIME ? v * 1e6 + 0.5 : v)));
}

void time_compile(const char *path, const char *name, const ucl_object_t *value, double low,
                  double high)
{
    number(path, &(struct item){name, TIME, low, high, false}, value);
}

void text_compile(const char *path, const char *name, const ucl_object_t *value, size_t size)
{
    const char *s = ucl_object_type(value) == UCL_STRING ? ucl_object_tostring(value) : "";
    // The label of a route may be empty: to init's parent that is init itself.
    bool may_be_empty = ucl_object_type(value) == UCL_STRING && !strcmp(name, "label");
    if ((!*s && !may_be_empty) || value->next)
        complain(path, "found \"%s\", expected a text",
                 value->next ? "several" : value_text(value));
    else if (strlen(s) >= size)
        complain(path, "found %zu characters, expected at most %zu", strlen(s), size - 1);
    else
        must(fdt_property_string(fdt, name, s));
}

static void switch_(const char *path, const char *name, const ucl_object_t *value)
{
    double yes;
    if (scalar_read(value, &yes) != SCALAR_BOOLEAN)
        complain(path, "found \"%s\", expected yes or no", value_text(value));
    else
        must(fdt_property_u32(fdt, name, yes != 0));
}

// One value counts as a list of one.
void texts_compile(const char *path, const char *name, const ucl_object_t *value)
{
    char all[4096];
    size_t length = 0;
    ucl_object_iter_t it = NULL;
    const ucl_object_t *entry;
    while ((entry = ucl_object_iterate(value, &it, ucl_object_type(value) == UCL_ARRAY))) {
        const char *s = ucl_object_type(entry) == UCL_STRING ? ucl_object_tostring(entry) : "";
        if (!*s || strlen(s) >= SERVICE_NAME_MAX || length + strlen(s) + 1 > sizeof(all)) {
            complain(path, "found \"%s\", expected names of at most %d characters",
                     value_text(entry), SERVICE_NAME_MAX - 1);
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
        if (scalar_read(entry, &cpu) != SCALAR_NUMBER || cpu < 0 || cpu > item->high ||
            count == CONFIG_CPUS_MAX) {
            complain(path, "found \"%s\", expected CPU numbers from 0 to %.0f", value_text(entry),
                     item->high);
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
    complain(path, "found \"%s\", expected never, on-fault or always", value_text(value));
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
        char below[PATH_SIZE];
        path_below(below, path, key);
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

// A child that is an init itself has a configuration like this one.
static bool is_init(const char *name, const ucl_object_t *child)
{
    const ucl_object_t *binary = ucl_object_lookup(child, "binary");
    if (!binary)
        return !strcmp(name, "init");
    return ucl_object_type(binary) == UCL_STRING && !strcmp(ucl_object_tostring(binary), "init");
}

static void config_compile(const char *path, const ucl_object_t *block, bool init)
{
    if (!init) {
        value_compile(path, "config", block, 0);
        return;
    }
    must(fdt_begin_node(fdt, "config"));
    init_compile(path, block);
    must(fdt_end_node(fdt));
}

static void item_compile(const char *path, const struct item *item, const ucl_object_t *value,
                         bool init)
{
    if (value->next && item->kind != ROUTES) {
        complain(path, "found twice, expected once");
        return;
    }
    if ((item->kind == ROUTES || item->kind == BLOCK) && ucl_object_type(value) != UCL_OBJECT) {
        complain(path, "found \"%s\", expected a block { ... }", value_text(value));
        return;
    }
    switch (item->kind) {
    case SIZE:
    case COUNT:
    case TIME: number(path, item, value); break;
    case TEXT: text_compile(path, item->name, value, (size_t)item->high); break;
    case SWITCH: switch_(path, item->name, value); break;
    case TEXTS: texts_compile(path, item->name, value); break;
    case CPUS: cpus(path, item, value); break;
    case RESTART: restart(path, value); break;
    case ROUTES: routes_compile(path, value); break;
    case BLOCK: config_compile(path, value, init); break;
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

static void check_keys(const char *at, const ucl_object_t *child)
{
    ucl_object_iter_t it = NULL;
    const ucl_object_t *entry;
    char path[PATH_SIZE];
    while ((entry = ucl_object_iterate(child, &it, true))) {
        path_below(path, at, ucl_object_key(entry));
        if (!item_find(ucl_object_key(entry)))
            complain(path, "found an unknown item, expected one of binary, args, ram, kmem, keep, "
                           "caps, priority, budget, "
                           "period, heartbeat, affinity, provides, start, debug, restart, route, "
                           "config");
    }
}

static void check_share(const char *at, const ucl_object_t *child)
{
    const ucl_object_t *budget = ucl_object_lookup(child, "budget"),
                       *period = ucl_object_lookup(child, "period");
    double used, whole;
    char path[PATH_SIZE];
    path_below(path, at, budget ? "budget" : "period");
    if (!budget != !period)
        complain(path, "found without %s, expected both or none", budget ? "period" : "budget");
    else if (budget && scalar_read(budget, &used) == SCALAR_TIME &&
             scalar_read(period, &whole) == SCALAR_TIME && used > whole)
        complain(path, "found \"%s\", expected at most the period", value_text(budget));
}

// What is kept is a part of `ram`.
static void check_keep(const char *at, const ucl_object_t *child)
{
    const ucl_object_t *keep = ucl_object_lookup(child, "keep"),
                       *ram = ucl_object_lookup(child, "ram");
    double kept, all;
    char path[PATH_SIZE], bytes[32];
    path_below(path, at, "keep");
    if (keep && ram && scalar_read(keep, &kept) == SCALAR_NUMBER &&
        scalar_read(ram, &all) == SCALAR_NUMBER && kept >= all)
        complain(path, "found \"%s\", expected less than the %s of %s.ram", value_text(keep),
                 bytes_text(all, bytes, sizeof(bytes)), at);
}

static void check_name(const char *path, const char *name)
{
    if (!*name || strlen(name) >= CONFIG_NAME_MAX || strchr(name, '/'))
        complain(path,
                 "found a name that is no name of a child, expected 1 to %d characters, no slash",
                 CONFIG_NAME_MAX - 1);
    if (!strcmp(name, "parent") || !strcmp(name, "any") || !strcmp(name, "init"))
        complain(path, "found a name that means something else in routes and labels, expected "
                       "another");
}

// A child reads its arguments as the item "args" of its configuration.
static void check_args(const char *at, const ucl_object_t *child)
{
    const ucl_object_t *config = ucl_object_lookup(child, "config");
    char path[PATH_SIZE];
    path_below(path, at, "config.args");
    if (config && ucl_object_lookup(child, "args") && ucl_object_lookup(config, "args"))
        complain(path, "found beside %s.args, expected one of the two", at);
}

// An init beats to its parent only if it is told to.
static void check_heartbeat(const char *at, const ucl_object_t *child)
{
    const ucl_object_t *limit = ucl_object_lookup(child, "heartbeat"),
                       *config = ucl_object_lookup(child, "config"),
                       *beat = config ? ucl_object_lookup(config, "heartbeat") : NULL;
    double most, every;
    char path[PATH_SIZE];
    path_below(path, at, "config.heartbeat");
    if (!limit || !config || scalar_read(limit, &most) != SCALAR_TIME)
        return;
    if (!beat)
        complain(path, "found nothing, expected a time below %s.heartbeat", at);
    else if (scalar_read(beat, &every) == SCALAR_TIME && every >= most)
        complain(path, "found \"%s\", expected less than %s.heartbeat", value_text(beat), at);
}

// Its configuration comes from one place.
static void check_config_route(const char *at, const ucl_object_t *child)
{
    const ucl_object_t *routes = ucl_object_lookup(child, "route"),
                       *rom = routes && ucl_object_type(routes) == UCL_OBJECT
                                  ? ucl_object_lookup(routes, "rom")
                                  : NULL;
    char path[PATH_SIZE];
    path_below(path, at, "config");
    for (; rom; rom = rom->next) {
        const ucl_object_t *args =
            ucl_object_type(rom) == UCL_OBJECT ? ucl_object_lookup(rom, "for_args") : NULL;
        if (args && ucl_object_type(args) == UCL_STRING &&
            !strcmp(ucl_object_tostring(args), "config") &&
            (ucl_object_lookup(child, "config") || ucl_object_lookup(child, "args")))
            complain(path, "found beside a route of rom for \"config\", expected one of the two");
    }
}

void child_compile(const char *at, const char *name, const ucl_object_t *child)
{
    char path[PATH_SIZE];
    if (ucl_object_type(child) != UCL_OBJECT) {
        complain(at, "found \"%s\", expected a block { ... }", value_text(child));
        return;
    }
    bool init = is_init(name, child);
    check_name(at, name);
    check_keys(at, child);
    check_share(at, child);
    check_keep(at, child);
    check_args(at, child);
    check_config_route(at, child);
    if (init)
        check_heartbeat(at, child);
    must(fdt_begin_node(fdt, name));
    for (unsigned i = 0; i < sizeof(items) / sizeof(items[0]); i++) {
        const ucl_object_t *value = ucl_object_lookup(child, items[i].name);
        path_below(path, at, items[i].name);
        if (value)
            item_compile(path, &items[i], value, init);
        else if (items[i].required)
            complain(path, "found nothing, expected %s",
                     items[i].kind == SIZE ? "a size" : "a number");
    }
    must(fdt_end_node(fdt));
}
