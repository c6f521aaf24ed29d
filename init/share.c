// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// A child's share of the processor, as the arguments of its "cpu" sessions (protocol.h,
// CPU_OPERATIONS): what its configuration gives, narrowed by what it asks for. A child that is an
// init itself asks in its children's names; whatever it says, they get no more than it has.
#include "init/init.h"
#include "lib/rt/string.h"

enum { POOL_MAX = 64 };

struct share {
    u64 priority, cpus, budget_us, period_us; // 0: not said
    char pool[POOL_MAX];
    bool all;
};

// A number, decimal or hexadecimal; `text` afterwards is behind it.
static u64 number(const char **text)
{
    const char *at = *text;
    u64 value = 0;
    bool hex = at[0] == '0' && at[1] == 'x';
    for (at += hex ? 2 : 0;; at++) {
        unsigned letter = (unsigned)(*at | 0x20) - 'a', digit = (unsigned)*at - '0';
        if (hex && letter < 6)
            value = value << 4 | (letter + 10);
        else if (digit < 10)
            value = hex ? value << 4 | digit : value * 10 + digit;
        else
            break;
    }
    *text = at;
    return value;
}

static bool item_is(const char *at, const char *name, const char **value)
{
    size_t length = strlen(name);
    if (strncmp(at, name, length) != 0)
        return false;
    *value = at + length;
    return true;
}

// What nobody knows is left out.
static void share_read(const char *args, struct share *s)
{
    *s = (struct share){0};
    while (*args) {
        const char *next = strchr(args, ','), *value = args;
        size_t length = next ? (size_t)(next - args) : strlen(args);
        if (*args >= '0' && *args <= '9')
            s->priority = number(&value);
        else if (item_is(args, "cpus=", &value))
            s->cpus = number(&value);
        else if (item_is(args, "budget=", &value))
            s->budget_us = number(&value);
        else if (item_is(args, "period=", &value))
            s->period_us = number(&value);
        else if (item_is(args, "pool=", &value) && length - 5 < sizeof(s->pool))
            strlcpy(s->pool, value, length - 5 + 1);
        else if (length == 3 && !strncmp(args, "all", 3))
            s->all = true;
        args += length + (next != NULL);
    }
}

// The limits of the configuration, `route` those of the child's route for "cpu" (may be empty).
static void share_of(const struct child *child, const char *route, struct share *s)
{
    const struct config_child *c = &child->config;
    share_read(route, s);
    if (!*route)
        s->priority = c->priority;
    for (unsigned i = 0; i < c->affinity_count; i++)
        if (c->affinity[i] < MAX_CPUS) // a hostile tree may name any
            s->cpus |= 1ul << c->affinity[i];
    if (!c->budget_us)
        return;
    s->budget_us = c->budget_us;
    s->period_us = c->period_us;
    strlcpy(s->pool, c->name, sizeof(s->pool));
}

// A child's own pools are its own: their names have the path.
static void share_narrow(const struct child *child, struct share *s, const struct share *asked)
{
    if (asked->priority && (!s->priority || asked->priority < s->priority))
        s->priority = asked->priority;
    if (asked->cpus)
        s->cpus = s->cpus ? s->cpus & asked->cpus : asked->cpus;
    if (s->budget_us || !asked->budget_us)
        return;
    s->budget_us = asked->budget_us;
    s->period_us = asked->period_us;
    (void)text_format(s->pool, sizeof(s->pool), "%s/%s", child->config.name, asked->pool);
}

void share_args(const struct child *child, const char *route, const char *asked, char *args,
                size_t size)
{
    struct share share, wish;
    size_t length = 0;
    share_of(child, route, &share);
    share_read(asked, &wish);
    bool apart = share.cpus && wish.cpus && !(share.cpus & wish.cpus);
    share_narrow(child, &share, &wish);
    args[0] = 0;
    if (share.priority)
        length = text_format(args, size, "%lu", share.priority);
    if (share.all && length < size)
        length += text_format(args + length, size - length, "%sall", length ? "," : "");
    if ((share.cpus || apart) && length < size)
        length += text_format(args + length, size - length, "%scpus=0x%lx", length ? "," : "",
                              share.cpus);
    if (share.budget_us && length < size)
        (void)text_format(args + length, size - length, "%sbudget=%lu,period=%lu,pool=%s",
                          length ? "," : "", share.budget_us, share.period_us, share.pool);
}

unsigned share_priority(const struct child *child, const char *route, const char *asked, bool *asks)
{
    struct share share, wish;
    share_of(child, route, &share);
    share_read(asked, &wish);
    *asks = wish.priority;
    return (unsigned)share.priority;
}
