// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What the children may do, by the configuration alone: routes of sessions with default deny,
// accounts of RAM, services they may offer. Under parent.lock, so nothing is ended here.
//
// Some sessions init serves itself: "rom" with the arguments "config" is the child's own block, for
// which it needs no route; "init" is the control service, for those whose route for it says
// "parent".
#include "init/init.h"
#include "lib/rt/string.h"
#include "lib/rt/tsc.h"

static struct child *child_of(struct parent_client *client)
{
    return client->user;
}

// Labels show the path in the tree; a route may give its own.
static void label_set(const struct child *child, struct parent_open *o, const char *own)
{
    static const char arrow[] = " -> ";
    size_t name = strlen(child->config.name), old = strlen(o->label);
    if (own) {
        strlcpy(o->label, own, sizeof(o->label));
        return;
    }
    size_t before = name + (old ? sizeof(arrow) - 1 : 0); // a name is shorter than a label may be
    if (old > sizeof(o->label) - 1 - before)
        old = sizeof(o->label) - 1 - before;
    memmove(o->label + before, o->label, old);
    memcpy(o->label, child->config.name, name);
    memcpy(o->label + name, arrow, before - name);
    o->label[before + old] = 0;
}

static error_t charge(struct child *child, const struct parent_open *o)
{
    struct parent_donation more = {o->ram, o->caps, o->route, o->provider, true}, least = more;
    return account_take(child, o->name, &least, &more);
}

// The child's own configuration block, for config_rom.c.
static error_t route_config(struct child *child, struct parent_open *o)
{
    o->route = ROUTE_BUILTIN;
    label_set(child, o, NULL);
    text_format(o->args, sizeof(o->args), "%u", child->index);
    return charge(child, o);
}

static struct child *provider_of(const char *service)
{
    for (unsigned i = 0; i < child_count; i++) {
        if (config_provides(&config, &children[i].config, service))
            return &children[i];
    }
    return NULL;
}

static error_t resolve(struct child *child, const struct config_route *route, struct parent_open *o)
{
    struct child *to = NULL;
    switch (route->kind) {
    case CONFIG_ROUTE_DENY: return EPERM;
    case CONFIG_ROUTE_PARENT:
        o->route = strcmp(o->name, "init") ? ROUTE_PARENT : ROUTE_BUILTIN;
        return SUCCESS;
    case CONFIG_ROUTE_CHILD: to = child_by_name(route->to); break;
    case CONFIG_ROUTE_ANY:
        to = provider_of(o->name);
        if (!to || to == child) {
            o->route = ROUTE_PARENT;
            return SUCCESS;
        }
        break;
    }
    if (!to) {
        child_report(child, "the route of \"%s\" leads to \"%s\", which is no child", o->name,
                     route->to ? route->to : "");
        return EPERM;
    }
    o->route = ROUTE_CHILD;
    o->provider = to->client;
    return SUCCESS;
}

void policy_cpu_args(const struct child *child, const char *asked, char *args, size_t size)
{
    const struct config_child *c = &child->config;
    size_t length =
        *asked ? strlcpy(args, asked, size) : text_format(args, size, "%u", c->priority);
    u64 cpus = 0;
    for (unsigned i = 0; i < c->affinity_count; i++)
        cpus |= 1ul << c->affinity[i];
    if (cpus && length < size)
        length += text_format(args + length, size - length, ",cpus=0x%lx", cpus);
    if (c->budget_us && length < size)
        (void)text_format(args + length, size - length, ",budget=%lu,period=%lu,pool=%s",
                          c->budget_us, c->period_us, c->name);
}

static error_t open(struct parent *p, struct parent_client *client, struct parent_open *o)
{
    (void)p;
    struct child *child = child_of(client);
    struct config_route route;
    if (string_same(o->name, "rom") && string_same(o->args, "config"))
        return route_config(child, o);
    config_route(&child->config, o->name, o->label, &route);
    error_t error = resolve(child, &route, o);
    if (error) {
        child_report(child, "session \"%s\" denied: it has no route for it", o->name);
        return error;
    }
    // The share of the processor is the configuration's to give, whatever the child asks for.
    if (string_same(o->name, "cpu"))
        policy_cpu_args(child, route.args ? route.args : "", o->args, sizeof(o->args));
    else if (route.args)
        strlcpy(o->args, route.args, sizeof(o->args));
    else if (string_same(o->name, "pd"))
        o->args[0] = 0; // others' figures are init's to see
    label_set(child, o, route.label);
    return charge(child, o);
}

static error_t upgrade(struct parent *p, struct parent_client *client, const char *name,
                       const struct parent_donation *least, struct parent_donation *more)
{
    (void)p;
    return account_take(child_of(client), name, least, more);
}

static void closed(struct parent *p, struct parent_client *client,
                   const struct parent_donation *donation)
{
    (void)p;
    account_return(child_of(client), donation);
}

static void quota(struct parent *p, struct parent_client *client, struct parent_quota *q)
{
    (void)p;
    u64 used;
    q->ram = account_ram_left(child_of(client));
    q->ram_limit = account_ram_limit(child_of(client));
    q->caps = account_caps_left(child_of(client));
    if (hc_pd_read(SEL_PD, PD_READ_CAPS, &used, &q->own_caps))
        q->own_caps = 0;
    struct env_account above;
    if (!env_account(&above))
        q->all_ram = above.ram_limit;
}

static bool may_register(struct parent *p, struct parent_client *client, const char *name)
{
    (void)p;
    struct child *child = child_of(client);
    if (config_provides(&config, &child->config, name))
        return true;
    child_report(child, "may not offer \"%s\": it is not in its provides", name);
    return false;
}

static error_t request_kill(struct parent *p, struct parent_client *client, const char *name,
                            struct parent_client *target)
{
    (void)p;
    // A child may ask for its own end, a service for that of its client.
    struct child *child = child_of(target ? target : client);
    if (!target && strcmp(name, child->config.name))
        return EPERM;
    child_report(child, "its end was asked for by \"%s\"", child_of(client)->config.name);
    child_notify(child, NOTE_KILL);
    return SUCCESS;
}

static error_t signal(struct parent *p, struct parent_client *client, word_t code, word_t value)
{
    (void)p;
    struct child *child = child_of(client);
    switch (code) {
    case SIGNAL_EXIT:
        child->exit_code = (int)value;
        child_notify(child, NOTE_EXIT);
        return SUCCESS;
    case SIGNAL_HEARTBEAT:
    case SIGNAL_READY: child->heartbeat_at = rdtsc(); return SUCCESS;
    case SIGNAL_RESOURCE:
        child_report(child, "ran dry when it wanted %luKb more; ram is %luKb", (u64)value / 1024,
                     child->config.ram_bytes / 1024);
        return SUCCESS;
    default: return EPROTO;
    }
}

const struct parent_policy init_policy = {
    .open = open,
    .upgrade = upgrade,
    .closed = closed,
    .quota = quota,
    .may_register = may_register,
    .request_kill = request_kill,
    .signal = signal,
};
