// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The items of an init's configuration beside its children (doc/configuration.md): how often it
// beats to its parent, and the report of its state. They are properties of the root, since a
// subnode of any name is a child.
#include "lib/conf/compile.h"
#include "lib/conf/form.h"
#include <libfdt.h>
#include <string.h>

static void what_compile(const char *path, const ucl_object_t *value)
{
    static const char *const names[] = {"children", "sessions", "quotas"};
    ucl_object_iter_t it = NULL;
    const ucl_object_t *entry;
    unsigned mask = 0;
    while ((entry = ucl_object_iterate(value, &it, ucl_object_type(value) == UCL_ARRAY))) {
        const char *s = ucl_object_type(entry) == UCL_STRING ? ucl_object_tostring(entry) : "";
        unsigned i = 0;
        while (i < 3 && strcmp(s, names[i]) != 0)
            i++;
        if (i == 3)
            complain(path, "found \"%s\", expected children, sessions or quotas",
                     value_text(entry));
        mask |= 1u << i;
    }
    must(fdt_property_u32(fdt, "report_what", mask));
}

// `to` is a child, or the parent.
static void to_compile(const char *path, const ucl_object_t *value)
{
    const char *to =
        value && ucl_object_type(value) == UCL_STRING ? ucl_object_tostring(value) : "";
    if (strcmp(to, "parent") != 0 && (!*to || !child_find(to)))
        complain(path, "found \"%s\", expected parent or the name of a child",
                 value ? value_text(value) : "nothing");
    else if (strcmp(to, "parent") != 0 && !child_provides(child_find(to), "report"))
        complain(path,
                 "found child \"%s\", which does not provide \"report\"; expected it in "
                 "%s.provides",
                 to, to);
    must(fdt_property_string(fdt, "report_to", strcmp(to, "parent") ? to : ""));
}

static void report_compile(const char *path, const ucl_object_t *block)
{
    ucl_object_iter_t it = NULL;
    const ucl_object_t *entry;
    char below[PATH_SIZE];
    if (ucl_object_type(block) != UCL_OBJECT || block->next) {
        complain(path, "found \"%s\", expected a block { to = ... }",
                 block->next ? "several" : value_text(block));
        return;
    }
    path_below(below, path, "to");
    to_compile(below, ucl_object_lookup(block, "to"));
    while ((entry = ucl_object_iterate(block, &it, true))) {
        const char *key = ucl_object_key(entry);
        path_below(below, path, key);
        if (!strcmp(key, "delay"))
            time_compile(below, "report_delay", entry, 0.01, 3600);
        else if (!strcmp(key, "what"))
            what_compile(below, entry);
        else if (strcmp(key, "to") != 0)
            complain(below, "found an unknown item, expected to, delay or what");
    }
}

bool init_item_compile(const char *path, const char *key, const ucl_object_t *value)
{
    bool heartbeat = !strcmp(key, "heartbeat");
    if (heartbeat && value->next)
        complain(path, "found twice, expected once");
    else if (heartbeat)
        time_compile(path, "heartbeat", value, 0.001, 3600);
    else if (!strcmp(key, "report"))
        report_compile(path, value);
    else
        return false;
    return true;
}
