// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What the children may do, by the configuration alone: routes of sessions with default deny,
// accounts of RAM, services they may offer. Under parent.lock, so nothing is ended here.
//
// Some sessions init serves itself: "rom" with the arguments "config" is the child's own block, for
// which it needs no route; "init" is the control service, and "debug" that for debuggers, for those
// whose route for it says "parent".
#include "init/init.h"
#include "lib/rt/string.h"
#include "lib/rt/tsc.h"

static struct child *child_of(struct parent_client *client)
{
    return client->user;
}

// Labels show the path in the tree; a route may give its own, in whole or in part.
static void label_set(const struct child *child, struct parent_open *o,
                      const struct config_route *route)
{
    if (route->label) {
        strlcpy(o->label, route->label, sizeof(o->label));
        return;
    }
    if (route->label_suffix)
        strlcpy(o->label, route->label_suffix, sizeof(o->label));
    parent_label_below(o->label, route->label_prefix ? route->label_prefix : child->config.name);
}

static error_t charge(struct child *child, const struct parent_open *o)
{
    struct parent_donation more = {o->ram, o->caps, o->route, o->provider, true}, least = more;
    return account_take(child, o->name, &least, &more);
}

// The child's own configuration block, for config_rom.c.
static error_t to_block(const struct child *child, struct parent_open *o)
{
    o->route = ROUTE_BUILTIN;
    label_set(child, o, &(struct config_route){.kind = CONFIG_ROUTE_PARENT});
    text_format(o->args, sizeof(o->args), "%u", child->index);
    return SUCCESS;
}

static struct child *provider_of(const char *service)
{
    for (unsigned i = 0; i < child_count; i++) {
        if (children[i].present && config_provides(&config, &children[i].config, service))
            return &children[i];
    }
    return NULL;
}

static error_t to_child(struct child *to, struct parent_open *o)
{
    if (!to)
        return EPERM;
    o->route = ROUTE_CHILD;
    o->provider = to->client;
    return SUCCESS;
}

// The label "A -> B" of a session of "init" or "debug" leads to the child A, an init, which finds
// "B" in the arguments.
static error_t to_init_below(struct parent_open *o)
{
    static const char arrow[] = " -> ";
    char name[CONFIG_NAME_MAX];
    size_t length = 0;
    while (o->label[length] && strncmp(o->label + length, arrow, sizeof(arrow) - 1) != 0)
        length++;
    if (length >= sizeof(name))
        return EPERM;
    strlcpy(name, o->label, length + 1);
    struct child *to = child_by_name(name);
    if (!to || !parent_service_find(&parent, to->client, o->name))
        return EPERM;
    strlcpy(o->args, o->label[length] ? o->label + length + sizeof(arrow) - 1 : "",
            sizeof(o->args));
    return to_child(to, o);
}

// A child that may be debugged, by another one; which it is stands in the arguments (debug.c).
static error_t to_debug(const struct child *client, const struct config_route *route,
                        struct parent_open *o)
{
    if (route->label) // it may debug that one only
        strlcpy(o->label, route->label, sizeof(o->label));
    const struct child *target = child_by_name(o->label);
    if (!target)
        return to_init_below(o);
    if (target == client || !target->config.debug)
        return EPERM;
    strlcpy(o->args, o->label, sizeof(o->args));
    o->route = ROUTE_BUILTIN;
    return SUCCESS;
}

static error_t to_parent(struct parent_open *o)
{
    if (!string_same(o->name, "init")) {
        o->route = ROUTE_PARENT;
        return SUCCESS;
    }
    if (o->label[0])
        return to_init_below(o);
    o->args[0] = 0;
    o->route = ROUTE_BUILTIN;
    return SUCCESS;
}

static error_t to_us(const struct child *client, const struct config_route *route,
                     struct parent_open *o)
{
    return string_same(o->name, "debug") ? to_debug(client, route, o) : to_parent(o);
}

static error_t resolve(struct child *child, const struct config_route *route, struct parent_open *o)
{
    struct child *to = NULL;
    switch (route->kind) {
    case CONFIG_ROUTE_DENY: return EPERM;
    case CONFIG_ROUTE_PARENT: return to_us(child, route, o);
    case CONFIG_ROUTE_CHILD: to = child_by_name(route->to); break;
    case CONFIG_ROUTE_ANY:
        to = provider_of(o->name);
        if (!to || to == child)
            return to_us(child, route, o);
        break;
    }
    return to_child(to, o);
}

// Sessions of init itself (self.c).
static error_t decide_own(struct parent_open *o)
{
    error_t error = EPERM;
    if (string_same(o->name, "init")) {
        error = to_init_below(o);
    } else if (string_same(o->name, "report") && config.report) {
        error = *config.report_to ? to_child(child_by_name(config.report_to), o) : to_parent(o);
        if (o->route == ROUTE_PARENT)
            return error; // who is above knows who we are
    }
    strlcpy(o->label, "init", sizeof(o->label));
    return error;
}

// Where a session goes that a child asks for, and as what: fills route, provider, label, args.
static error_t decide(struct child *child, struct parent_open *o)
{
    struct config_route route;
    if (child == &self)
        return decide_own(o);
    if (string_same(o->name, "rom") && string_same(o->args, "config") &&
        !config_elsewhere(&child->config))
        return to_block(child, o);
    config_route(&child->config, o->name, o->label, o->args, &route);
    char asked[SERVICE_ARGS_MAX];
    error_t error = resolve(child, &route, o);
    if (error)
        return error;
    // The share of the processor is the configuration's to give, whatever the child asks for.
    if (string_same(o->name, "cpu")) {
        strlcpy(asked, o->args, sizeof(asked));
        share_args(child, route.args ? route.args : "", asked, o->args, sizeof(o->args));
    } else if (route.args) {
        strlcpy(o->args, route.args, sizeof(o->args));
    }
    if (string_same(o->name, "debug"))
        route.label = NULL;
    if (string_same(o->name, "init") || string_same(o->name, "debug"))
        o->label[0] = 0; // it said where to
    label_set(child, o, &route);
    return SUCCESS;
}

static void debug_denied(struct child *child, const char *name)
{
    const struct child *target = child_by_name(name);
    child_refused(child, "may not debug \"%s\": %s", name,
                  target == child         ? "that is itself"
                  : !target               ? "there is no such child, or no way to it"
                  : !target->config.debug ? "its block does not say `debug = yes`"
                                          : "it has no route for \"debug\"");
}

static error_t open(struct parent *p, struct parent_client *client, struct parent_open *o)
{
    (void)p;
    struct child *child = child_of(client);
    error_t error = decide(child, o);
    if (error && string_same(o->name, "debug"))
        debug_denied(child, o->label);
    else if (error)
        child_refused(child, "session \"%s\" denied: it has no route for it", o->name);
    else
        error = charge(child, o);
    if (!error)
        report_changed();
    return error;
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
    report_changed();
}

// Whether a session that is open would be opened just so.
static bool still_allowed(const struct parent_pseudonym *p)
{
    struct child *child = p->client->user;
    struct parent_open o = {.ram = p->ram, .caps = p->caps};
    strlcpy(o.name, parent_pseudonym_name(p), sizeof(o.name));
    strlcpy(o.label, parent_pseudonym_asked_label(p), sizeof(o.label));
    strlcpy(o.args, parent_pseudonym_asked_args(p), sizeof(o.args));
    if (decide(child, &o))
        return false;
    bool here = p->forwarded ? o.route == ROUTE_PARENT
                             : o.route != ROUTE_PARENT &&
                                   p->provider == (o.route == ROUTE_CHILD ? o.provider : NULL);
    // A thread's share is changed where it is (quota.c).
    return here && string_same(o.label, parent_pseudonym_label(p)) &&
           (string_same(o.name, "cpu") || string_same(o.args, parent_pseudonym_args(p)));
}

void policy_review(void)
{
    mutex_lock(&parent.lock);
    for (u32 i = 0; i < parent.pseudonyms_made; i++) {
        struct parent_pseudonym *p = parent_pseudonym_at(&parent, i);
        if (!p->client || still_allowed(p))
            continue;
        child_report(p->client->user, "its session \"%s\" ends: its route has changed",
                     parent_pseudonym_name(p));
        parent_pseudonym_close(&parent, p);
    }
    for (u32 i = 0; i < child_count; i++) {
        if (children[i].present)
            parent_services_review(&parent, children[i].client);
    }
    parent_unlock(&parent);
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
    if (child != &self && config_provides(&config, &child->config, name))
        return true;
    if (!string_same(name, "init") && !string_same(name, "debug")) // an init tries whether it may
        child_refused(child, "may not offer \"%s\": it is not in its provides", name);
    return false;
}

static error_t request_kill(struct parent *p, struct parent_client *client, const char *name,
                            struct parent_client *target)
{
    (void)p;
    // A child may ask for its own end, a service for that of its client.
    struct child *child = child_of(target ? target : client);
    if (!target && !string_same(name, child->name))
        return EPERM;
    child_report(child, "its end was asked for by \"%s\"", child_of(client)->name);
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
    case SIGNAL_READY:
        if (code == SIGNAL_READY)
            child->failures = 0;
        child->heartbeat_at = rdtsc();
        return SUCCESS;
    case SIGNAL_RESOURCE: peaks_dry(child); return SUCCESS;
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
    .keep = keep_asked,
    .drop = keep_drop_asked,
};
