// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The `route` block of a child: where its sessions go. The order of the file is that of precedence,
// `default` comes last.
#include "lib/service/protocol.h"
#include "lib/conf/compile.h"
#include "lib/conf/form.h"
#include <libfdt.h>
#include <stdio.h>
#include <string.h>

static const char TARGETS[] = "parent, any or the name of a child";

void target_compile(const char *path, const char *service, const ucl_object_t *value)
{
    if (!value || ucl_object_type(value) != UCL_STRING || value->next) {
        complain(path, "found %s%s%s, expected %s", value ? "\"" : "",
                 !value        ? "no `to`"
                 : value->next ? "several"
                               : value_text(value),
                 value ? "\"" : "", TARGETS);
        return;
    }
    const char *to = ucl_object_tostring(value);
    enum config_route_kind kind = !strcmp(to, "parent") ? CONFIG_ROUTE_PARENT
                                  : !strcmp(to, "any")  ? CONFIG_ROUTE_ANY
                                                        : CONFIG_ROUTE_CHILD;
    if (kind == CONFIG_ROUTE_CHILD) {
        const ucl_object_t *child = child_find(to);
        if (!child)
            complain(path, "found \"%s\", expected %s", to, TARGETS);
        else if (strcmp(service, "*") && !child_provides(child, service))
            complain(
                path,
                "found child \"%s\", which does not provide \"%s\"; expected it in %s.provides", to,
                service, to);
    }
    must(fdt_property_u32(fdt, "kind", kind));
    must(fdt_property_string(fdt, "to", kind == CONFIG_ROUTE_CHILD ? to : ""));
}

static const char *const label_items[] = {"label",     "label_prefix", "label_suffix",
                                          "for_label", "for_prefix",   NULL};

static bool named(const char *key, const char *const *names)
{
    while (*names && strcmp(key, *names) != 0)
        names++;
    return *names;
}

static void block(const char *path, const char *service, const ucl_object_t *value)
{
    ucl_object_iter_t it = NULL;
    const ucl_object_t *entry;
    char below[PATH_SIZE];
    path_below(below, path, "to");
    target_compile(below, service, ucl_object_lookup(value, "to"));
    while ((entry = ucl_object_iterate(value, &it, true))) {
        const char *key = ucl_object_key(entry);
        path_below(below, path, key);
        if (named(key, label_items))
            text_compile(below, key, entry, SERVICE_LABEL_MAX);
        else if (!strcmp(key, "args") || !strcmp(key, "for_args"))
            text_compile(below, key, entry, SERVICE_ARGS_MAX);
        else if (strcmp(key, "to"))
            complain(below, "found an unknown item, expected one of to, label, label_prefix, "
                            "label_suffix, args, for_label, for_prefix, for_args");
    }
    path_below(below, path, "label");
    if (ucl_object_lookup(value, "label") &&
        (ucl_object_lookup(value, "label_prefix") || ucl_object_lookup(value, "label_suffix")))
        complain(below, "found beside label_prefix or label_suffix, expected it alone");
}

// Whether the route is for some sessions of its service only.
static bool selects(const ucl_object_t *route)
{
    return ucl_object_type(route) == UCL_OBJECT &&
           (ucl_object_lookup(route, "for_label") || ucl_object_lookup(route, "for_prefix") ||
            ucl_object_lookup(route, "for_args"));
}

static void route(const char *path, const char *service, const ucl_object_t *value, unsigned index)
{
    char node[16];
    snprintf(node, sizeof(node), "r%u", index);
    must(fdt_begin_node(fdt, node));
    must(fdt_property_string(fdt, "service", service));
    if (ucl_object_type(value) == UCL_OBJECT)
        block(path, service, value);
    else
        target_compile(path, service, value);
    must(fdt_end_node(fdt));
}

// One route, or several of a service that differ by what they are for.
static unsigned routes(const char *path, const char *service, const ucl_object_t *first,
                       unsigned index)
{
    for (const ucl_object_t *one = first; one; one = one->next) {
        ucl_object_t alone = *one; // libucl chains values of one key
        if (!selects(one) && one->next)
            complain(path,
                     "found a further route after one for all labels, expected that one last");
        alone.next = NULL;
        route(path, service, &alone, index++);
    }
    return index;
}

void routes_compile(const char *path, const ucl_object_t *all)
{
    must(fdt_begin_node(fdt, "route"));
    unsigned index = 0;
    ucl_object_iter_t it = NULL;
    const ucl_object_t *entry, *otherwise = NULL;
    char below[PATH_SIZE];
    while ((entry = ucl_object_iterate(all, &it, true))) {
        const char *service = ucl_object_key(entry);
        path_below(below, path, service);
        if (strlen(service) >= SERVICE_NAME_MAX)
            complain(below, "found a name of %zu characters, expected at most %d", strlen(service),
                     SERVICE_NAME_MAX - 1);
        if (strcmp(service, "default"))
            index = routes(below, service, entry, index);
        else
            otherwise = entry;
    }
    path_below(below, path, "default");
    if (otherwise)
        routes(below, "*", otherwise, index);
    must(fdt_end_node(fdt));
}
