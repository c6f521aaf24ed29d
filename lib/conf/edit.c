// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Changing one item of a parsed text (conf.h). Names may have dots in them: where an object has an
// item of such a name, that is what a path means.
#include "lib/conf/compile.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// How much of `path` is `name` and stands before a dot or the end; 0 if it is not.
static size_t named(const char *path, const char *name)
{
    size_t length = strlen(name);
    return !strncmp(path, name, length) && (!path[length] || path[length] == '.') ? length : 0;
}

// The length of the first key of `path`, as `block` has it.
static size_t key_length(const ucl_object_t *block, const char *path)
{
    size_t longest = 0;
    ucl_object_iter_t it = NULL;
    const ucl_object_t *item;
    while ((item = ucl_object_iterate(block, &it, true))) {
        size_t length = named(path, ucl_object_key(item));
        longest = length > longest ? length : longest;
    }
    return longest ? longest : strcspn(path, ".");
}

struct group_search {
    const char *path;
    size_t length; // of the child's name
    ucl_object_t *group;
};

static void group_find(ucl_object_t *group, const ucl_object_t *child, void *context)
{
    struct group_search *search = context;
    size_t length = named(search->path, ucl_object_key(child));
    if (length > search->length) {
        search->length = length;
        search->group = group;
    }
}

static ucl_object_t *group_make(ucl_object_t *root)
{
    ucl_object_t *group = ucl_object_typed_new(UCL_OBJECT);
    if (group && !ucl_object_insert_key(root, group, "child", 5, false)) {
        ucl_object_unref(group);
        group = NULL;
    }
    return group;
}

// The value of `value = TEXT`; NULL if that is not one value.
static ucl_object_t *value_parse(const char *value, const struct conf_log *log)
{
    static const char before[] = "value = ";
    size_t length = sizeof(before) - 1 + strlen(value) + 1;
    char *text = malloc(length + 1);
    ucl_object_t *object = NULL;
    if (!text)
        return NULL;
    snprintf(text, length + 1, "%s%s\n", before, value);
    struct conf_text *parsed = conf_parse(text, length, log);
    free(text);
    if (!parsed)
        return NULL;
    const ucl_object_t *found = ucl_object_lookup(parsed->root, "value");
    // Taken out, not copied: a copy has but the first of several items of one name.
    if (found && !found->next && parsed->root->len == 1)
        object = ucl_object_pop_keyl(parsed->root, "value", 5);
    else
        complain("value", "found several, expected one");
    conf_free(parsed);
    return object;
}

// Gives `block` the item `key` (NULL: takes it away). `value` is the block's afterwards.
static bool put(ucl_object_t *block, const char *path, const char *key, ucl_object_t *value)
{
    size_t length = strlen(key);
    if (!value && !ucl_object_lookup_len(block, key, length)) {
        complain(path, "found nothing that could be removed");
        return false;
    }
    if (value)
        ucl_object_replace_key(block, value, key, length, true);
    else
        ucl_object_delete_keyl(block, key, length);
    return true;
}

// Walks down from `block` along `path`, from `at` in it, making blocks if there is a value to put.
static bool walk(ucl_object_t *block, const char *path, const char *at, size_t length,
                 ucl_object_t *value)
{
    while (length && at[length]) {
        char above[PATH_SIZE];
        snprintf(above, sizeof(above), "%.*s", (int)(at + length - path), path);
        ucl_object_t *next = (ucl_object_t *)(uintptr_t)ucl_object_lookup_len(block, at, length);
        if (!next && value) {
            next = ucl_object_typed_new(UCL_OBJECT);
            ucl_object_insert_key(block, next, at, length, true);
        }
        if (!next) {
            complain(above, "found nothing, expected a block");
            return false;
        }
        if (ucl_object_type(next) != UCL_OBJECT || next->next) {
            complain(above, "found \"%s\", expected a block",
                     next->next ? "several" : value_text(next));
            return false;
        }
        block = next;
        at += length + 1;
        length = key_length(block, at);
    }
    if (!length) {
        complain(path, "found an empty name in the path, expected CHILD.ITEM");
        return false;
    }
    return put(block, path, at, value);
}

bool conf_set(struct conf_text *text, const char *path, const char *value,
              const struct conf_log *log)
{
    ucl_object_t *object = NULL;
    struct group_search search = {.path = path};
    complain_to(log);
    if (value[strspn(value, " \t\r\n")] && !(object = value_parse(value, log)))
        return false;
    each_child(text->root, group_find, &search);
    if (!search.group) {
        search.length = strcspn(path, ".");
        search.group = object ? group_make(text->root) : NULL;
    }
    bool done = false;
    if (search.group)
        done = walk(search.group, path, path, search.length, object);
    else
        complain(path, "found no such child");
    if (!done && object)
        ucl_object_unref(object);
    return done;
}
