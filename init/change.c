// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// A new version of the configuration takes effect (init.h). It is read as a whole first; what
// cannot be read changes nothing. Then: children that are gone end, and those that need a new life;
// the version is exchanged under parent.lock, so that no request sees parts of both; quotas,
// sessions and blocks follow it; what is new or ended begins. Whatever dies meanwhile is a child's
// end as any other; if init itself dies, its next life begins with the newest version.
#include "init/init.h"
#include "lib/rt/heap.h"
#include "lib/rt/memory.h"
#include "lib/rt/string.h"

struct next {
    struct config config;
    struct config_child *child;
    unsigned count;
};

// The version in force, if it is ours to free.
static void *owned_blob;
static size_t owned_size;

static void next_free(struct next *next)
{
    for (unsigned i = 0; i < next->count; i++)
        heap_free(next->child[i].routes);
    heap_free(next->child);
}

static error_t next_read(struct next *next, const void *blob, size_t size)
{
    struct config_child c;
    *next = (struct next){.count = 0};
    error_t error = config_open(&next->config, blob, size);
    if (error)
        return error;
    next->child = heap_alloc(CHILDREN_MAX * sizeof(*next->child));
    if (!next->child)
        return EMEM;
    for (int at = config_child_first(&next->config, &c); at >= 0;
         at = config_child_next(&next->config, &c)) {
        if (!c.whole || !strcmp(c.name, "init")) {
            heap_free(c.routes);
            return !c.whole ? EMEM : EPROTO;
        }
        next->child[next->count++] = c;
    }
    return SUCCESS;
}

static const struct config_child *next_find(const struct next *next, const char *name)
{
    for (unsigned i = 0; i < next->count; i++) {
        if (!strcmp(next->child[i].name, name))
            return &next->child[i];
    }
    return NULL;
}

static void refuse(error_t error, bool first)
{
    static const char other[] = "; the version before it stays in force";
    if (error == ERESOURCE)
        print("init: the configuration has more than %u children%s\n", CHILDREN_MAX,
              first ? "" : other);
    else if (error == EPROTO)
        print("init: the ROM module \"config\" is no configuration (tools/conf and servers/config "
              "make them)%s\n",
              first ? "" : other);
    else
        print("init: a configuration is not read: %s%s\n", error_name(error), first ? "" : other);
}

// Nobody sees the life that ends run under the next one's number.
static void end_life(struct child *child)
{
    if (child->state != CHILD_RUNNING)
        return;
    child_end(child);
    mutex_lock(&parent.lock);
    child->state = CHILD_STOPPED;
    child->restarts++;
    mutex_unlock(&parent.lock);
}

static void remove(struct child *child)
{
    end_life(child);
    keep_end(child, NULL);
    parent_client_remove(&parent, child->client);
    mutex_lock(&parent.lock);
    heap_free(child->config.routes);
    child->config = (struct config_child){.name = "", .binary = "", .args = ""};
    child->present = child->reserved = false;
    child->ram_limit = 0;
    account_forget(child);
    child->notes = child->state = 0;
    child->restart_at = 0;
    parent_unlock(&parent);
}

// Slots are used in turn, so that what is still on its way for one child does not find the next.
static struct child *slot_take(void)
{
    static unsigned turn;
    for (unsigned i = 0; i < CHILDREN_MAX; i++) {
        struct child *child = &children[(turn + i) % CHILDREN_MAX];
        if (child->present)
            continue;
        turn = (turn + i + 1) % CHILDREN_MAX;
        return child;
    }
    return NULL;
}

static error_t add(const struct config_child *c)
{
    struct child *child = slot_take();
    if (!child)
        return ERESOURCE;
    u32 index = (u32)(child - children);
    if (!child->block.readers.next) // once: somebody may still be leaving it
        module_init(&child->block);
    child->index = index;
    child->state = CHILD_STOPPED;
    child->notes = 0;
    child->restarts = child->in_a_row = 0;
    child->restart_at = 0;
    child->again = child->quiet = child->lack_told = false;
    child->exit_code = 0;
    child->failures = 0;
    child->sel_pd = child->sel_ec = child->sel_sc = child->sel_identity = child->exceptions =
        SEL_NONE;
    child->domain.domain = child->thread = SEL_NONE;
    child->debug.lives = 0;
    error_t error = parent_client_add(&parent, child, &child->client);
    if (error)
        return error;
    mutex_lock(&parent.lock);
    child->config = *c;
    strlcpy(child->name, c->name, sizeof(child->name));
    child->present = true;
    if (index >= child_count)
        child_count = index + 1;
    parent_unlock(&parent);
    return SUCCESS;
}

// What is to become of a child that stays, by what has changed.
static bool needs_new_life(struct child *child, u32 change, const struct config_child *now)
{
    if (!change)
        return false;
    if (change & CHANGE_LIFE)
        return true;
    if (child->state == CHILD_FAILED || child->state == CHILD_WAITING)
        return true; // it may go now
    if (child->state != CHILD_RUNNING)
        return now->start && !child->config.start;
    return change & CHANGE_BLOCK && !module_is_watched(&child->block);
}

// Another program is another component: what the one before kept is not its own.
static void keep_review(struct child *child, const struct config_child *now)
{
    if (strcmp(child->config.binary, now->binary) != 0) {
        keep_end(child, "its binary has changed");
        child->failures = 0;
    } else if (!now->keep_bytes) {
        keep_end(child, "it may keep nothing any more");
    }
}

static void exchange(struct next *next)
{
    mutex_lock(&parent.lock);
    for (unsigned i = 0; i < child_count; i++) {
        struct child *child = &children[i];
        const struct config_child *now = child->present ? next_find(next, child->name) : NULL;
        if (!now)
            continue;
        heap_free(child->config.routes);
        child->config = *now;
    }
    config = next->config;
    parent_unlock(&parent);
}

static void add_all(const struct next *next, bool again[CHILDREN_MAX])
{
    for (unsigned i = 0; i < next->count; i++) {
        const struct config_child *c = &next->child[i];
        if (child_by_name(c->name))
            continue;
        error_t error = add(c);
        if (error) {
            print("init: child \"%s\": not entered: %s\n", c->name, error_name(error));
            heap_free(c->routes);
            continue;
        }
        again[child_by_name(c->name)->index] = c->start;
    }
}

static void blocks(const u32 change[CHILDREN_MAX], const bool again[CHILDREN_MAX])
{
    for (unsigned i = 0; i < child_count; i++) {
        struct child *child = &children[i];
        if (!child->present || again[i] || !(change[i] & CHANGE_BLOCK) ||
            !module_is_read(&child->block))
            continue;
        error_t error = block_publish(child);
        if (error == ENOTFOUND)
            module_withdraw(&child->block);
        else if (error)
            child_report(child, "its changed config is not delivered: %s", error_name(error));
    }
}

// In the order of the configuration.
static void begin_all(const struct next *next, const bool again[CHILDREN_MAX])
{
    for (unsigned i = 0; i < next->count; i++) {
        struct child *child = child_by_name(next->child[i].name);
        if (!child)
            continue;
        if (again[child->index] && child->reserved) {
            child->in_a_row = 0;
            child_begin(child);
        } else if (!child->reserved && child->state != CHILD_RUNNING) {
            child_state_set(child, CHILD_FAILED);
        }
    }
}

error_t change_apply(void *blob, size_t size, bool owned)
{
    static u32 change[CHILDREN_MAX];
    static bool again[CHILDREN_MAX];
    struct next next;
    error_t error = next_read(&next, blob, size);
    if (error) {
        refuse(error, !config.blob);
        next_free(&next);
        if (owned)
            memory_free(blob, size + 1);
        return error;
    }
    for (unsigned i = 0; i < CHILDREN_MAX; i++) {
        struct child *child = &children[i];
        const struct config_child *now = child->present ? next_find(&next, child->name) : NULL;
        change[i] = now ? config_difference(&config, &child->config, &next.config, now) : 0;
        again[i] = now && needs_new_life(child, change[i], now);
        if (child->present && !now)
            remove(child);
        else if (again[i])
            end_life(child);
        if (now)
            keep_review(child, now);
    }
    exchange(&next);
    add_all(&next, again);
    quota_apply(change);
    policy_review();
    blocks(change, again);
    debug_configure();
    begin_all(&next, again);
    if (owned_blob)
        memory_free(owned_blob, owned_size);
    owned_blob = owned ? blob : NULL;
    owned_size = size + 1;
    heap_free(next.child); // the routes are the children's now
    report_configure();
    report_changed();
    return SUCCESS;
}
