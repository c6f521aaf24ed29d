// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What a service asks of its parent: REGISTER, UNREGISTER, GET_QUOTA, SINGLETON
// (001_5c4c3d5892c9ef36.txt), from a child by IPC or from a server in this very program through
// parent_host (parent.h).
#include "lib/rt/selector.h"
#include "lib/rt/string.h"
#include "lib/service/parent.h"

struct parent_service *parent_service_find(struct parent *parent, struct parent_client *owner,
                                           const char *name)
{
    for (unsigned i = 0; i < PARENT_SERVICES_MAX; i++) {
        struct parent_service *s = &parent->service[i];
        if (s->live && s->owner == owner && string_same(s->name, name))
            return s;
    }
    return NULL;
}

static struct parent_service *service_new(struct parent *parent, struct parent_client *owner,
                                          const char *name)
{
    for (unsigned i = 0; i < PARENT_SERVICES_MAX; i++) {
        struct parent_service *s = &parent->service[i];
        if (s->live)
            continue;
        *s = (struct parent_service){.owner = owner, .event = SEL_NONE, .live = true};
        strlcpy(s->name, name, sizeof(s->name));
        for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++)
            s->portal[cpu] = SEL_NONE;
        return s;
    }
    return NULL;
}

// Clients of `provider` by that name have something new to look at.
static void wake(struct parent *parent, struct parent_client *provider, const char *name)
{
    for (u32 i = 0; i < parent->pseudonyms_made; i++) {
        struct parent_pseudonym *p = parent_pseudonym_at(parent, i);
        if (!p->client || p->forwarded || p->provider != provider ||
            strcmp(parent_pseudonym_name(p), name))
            continue;
        parent_pseudonym_resolve(parent, p);
        hc_sm_up(parent->first_pseudonym + i);
    }
}

static void service_end(struct parent *parent, struct parent_service *s)
{
    if (s->above)
        parent_withdraw_above(s);
    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++) {
        if (s->portal[cpu] == SEL_NONE)
            continue;
        parent_withdraw(parent, s->portal[cpu]);
        if (s->builtin)
            hc_revoke(SEL_PD, crd(CRD_OBJ, s->portal[cpu], 0, RIGHT_ALL), 0);
        else
            selector_drop(s->portal[cpu]);
    }
    if (!s->builtin)
        selector_drop(s->event);
    s->live = false;
    for (u32 i = 0; i < parent->pseudonyms_made; i++) {
        struct parent_pseudonym *p = parent_pseudonym_at(parent, i);
        if (!p->client || p->service != s)
            continue;
        p->service = NULL;
        p->claimed = false;
        hc_sm_up(parent->first_pseudonym + i);
    }
}

void parent_services_remove(struct parent *parent, struct parent_client *owner)
{
    for (unsigned i = 0; i < PARENT_SERVICES_MAX; i++) {
        if (parent->service[i].live && parent->service[i].owner == owner)
            service_end(parent, &parent->service[i]);
    }
}

void parent_services_review(struct parent *parent, struct parent_client *owner)
{
    for (unsigned i = 0; i < PARENT_SERVICES_MAX; i++) {
        struct parent_service *s = &parent->service[i];
        if (s->live && s->owner == owner &&
            !parent->config.policy->may_register(parent, owner, s->name))
            service_end(parent, s);
    }
}

// The window's two selectors are the parent's from now on. ERESOURCE: no fresh ones.
static error_t window_take(struct parent_cpu *cpu, sel_t *taken)
{
    sel_t fresh = selector_alloc_range(1);
    if (fresh == SEL_NONE)
        return ERESOURCE;
    *taken = cpu->window;
    cpu->window = fresh;
    utcb()->window = crd(CRD_OBJ, fresh, 1, RIGHT_ALL);
    return SUCCESS;
}

error_t parent_do_register(struct parent *parent, struct parent_client *client,
                           struct parent_cpu *handler, struct msg *m)
{
    char name[SERVICE_NAME_MAX];
    word_t cpu = msg_get_word(m), flags = msg_get_word(m);
    msg_get_string(m, name, sizeof(name));
    struct typed_item portal = msg_get_item(m), event = msg_get_item(m);
    if (msg_error(m) || !name[0] || cpu >= parent->cpu_count ||
        !parent_landed_at(portal, handler->window) || !parent_landed_at(event, handler->window + 1))
        return EPROTO;
    const struct parent_policy *policy = parent->config.policy;
    if (!policy->may_register || !policy->may_register(parent, client, name))
        return EPERM;
    struct parent_service *s = parent_service_find(parent, client, name);
    if (s && s->portal[cpu] != SEL_NONE)
        return EINUSE;
    bool fresh = !s;
    if (fresh)
        s = service_new(parent, client, name);
    if (!s)
        return ERESOURCE;
    sel_t taken;
    error_t error = window_take(handler, &taken);
    if (!error && parent->config.offers_above) {
        error = parent_offer_above(s, cpu, flags, taken);
        if (error) {
            selector_drop(taken);
            selector_drop(taken + 1);
        }
    }
    if (error) {
        s->live = !fresh;
        return error;
    }
    s->portal[cpu] = taken;
    s->flags = (u32)flags;
    if (s->event == SEL_NONE)
        s->event = taken + 1;
    else
        selector_drop(taken + 1);
    wake(parent, client, name);
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    return SUCCESS;
}

error_t parent_do_unregister(struct parent *parent, struct parent_client *client,
                             struct parent_cpu *cpu, struct msg *m)
{
    (void)cpu;
    char name[SERVICE_NAME_MAX];
    msg_get_string(m, name, sizeof(name));
    if (msg_error(m))
        return EPROTO;
    struct parent_service *s = parent_service_find(parent, client, name);
    if (!s)
        return ENOTFOUND;
    service_end(parent, s);
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    return SUCCESS;
}

static void put_quota(struct msg *m, u64 ram, u64 caps)
{
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, ram);
    msg_put_word(m, caps);
}

error_t parent_do_get_quota(struct parent *parent, struct parent_client *client,
                            struct parent_cpu *cpu, struct msg *m)
{
    if (!m->in_items) { // about itself
        struct parent_quota q = {0};
        if (parent->config.policy->quota)
            parent->config.policy->quota(parent, client, &q);
        put_quota(m, q.ram, q.caps);
        msg_put_string(m, "");
        msg_put_string(m, "");
        msg_put_word(m, q.ram_limit);
        msg_put_word(m, q.own_caps);
        msg_put_word(m, q.all_ram);
        msg_put_word(m, q.system_ram);
        return SUCCESS;
    }
    bool brief = m->next_word < m->in_words && msg_get_word(m);
    struct typed_item item = msg_get_item(m);
    struct parent_pseudonym *p = parent_pseudonym_named(parent, item);
    if (!p || p->forwarded || p->provider != client)
        return parent_ask_above(parent, client, cpu, PARENT_GET_QUOTA, brief, item, m);
    put_quota(m, p->ram, p->caps);
    if (brief)
        return SUCCESS;
    msg_put_string(m, parent_pseudonym_label(p));
    msg_put_string(m, parent_pseudonym_args(p));
    return SUCCESS;
}

static error_t claim(struct parent *parent, struct parent_pseudonym *p, bool release)
{
    (void)parent;
    if (release) {
        p->claimed = false;
        return SUCCESS;
    }
    LIST_FOREACH (node, &p->client->pseudonyms) {
        struct parent_pseudonym *other = LIST_ENTRY(node, struct parent_pseudonym, in_client);
        if (other->claimed && other->service == p->service && !other->forwarded)
            return EINUSE;
    }
    p->claimed = true;
    return SUCCESS;
}

error_t parent_do_singleton(struct parent *parent, struct parent_client *client,
                            struct parent_cpu *cpu, struct msg *m)
{
    word_t release = msg_get_word(m);
    struct typed_item item = msg_get_item(m);
    struct parent_pseudonym *p = parent_pseudonym_named(parent, item);
    if (msg_error(m))
        return EPROTO;
    if (!p || p->forwarded || p->provider != client)
        return parent_ask_above(parent, client, cpu, PARENT_SINGLETON, release, item, m);
    error_t error = claim(parent, p, release);
    if (error)
        return error;
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    return SUCCESS;
}

// A builtin server's side: the same by function call.

static error_t host_add(struct server *server, unsigned cpu, sel_t portal, sel_t event)
{
    struct parent *parent = server->host_user;
    error_t error = ERESOURCE;
    mutex_lock(&parent->lock);
    struct parent_service *s = parent_service_find(parent, NULL, server->config.name);
    if (!s)
        s = service_new(parent, NULL, server->config.name);
    if (s) {
        error = SUCCESS;
        s->builtin = server;
        s->portal[cpu] = portal;
        s->event = event;
        s->flags = server->config.flags;
        wake(parent, NULL, server->config.name);
    }
    parent_unlock(parent);
    return error;
}

static void host_remove(struct server *server)
{
    struct parent *parent = server->host_user;
    mutex_lock(&parent->lock);
    struct parent_service *s = parent_service_find(parent, NULL, server->config.name);
    if (s)
        service_end(parent, s);
    parent_unlock(parent);
}

// The pseudonym if it is one of this server's.
static struct parent_pseudonym *host_pseudonym(struct parent *parent, const struct server *server,
                                               sel_t sel)
{
    struct parent_pseudonym *p =
        parent_pseudonym_named(parent, item_translate(crd(CRD_OBJ, sel, 0, RIGHT_ALL)));
    return p && !p->forwarded && p->service && p->service->builtin == server ? p : NULL;
}

static error_t host_quota(struct server *server, sel_t pseudonym, struct server_quota *quota)
{
    struct parent *parent = server->host_user;
    mutex_lock(&parent->lock);
    struct parent_pseudonym *p = host_pseudonym(parent, server, pseudonym);
    if (p) {
        quota->ram = p->ram;
        quota->caps = p->caps;
        quota->number = p->number;
    }
    if (p && !quota->brief) {
        strlcpy(quota->label, parent_pseudonym_label(p), sizeof(quota->label));
        strlcpy(quota->args, parent_pseudonym_args(p), sizeof(quota->args));
    }
    parent_unlock(parent);
    return p ? SUCCESS : EPERM;
}

static error_t host_singleton(struct server *server, sel_t pseudonym, bool release)
{
    struct parent *parent = server->host_user;
    mutex_lock(&parent->lock);
    struct parent_pseudonym *p = host_pseudonym(parent, server, pseudonym);
    error_t error = p ? claim(parent, p, release) : EPERM;
    parent_unlock(parent);
    return error;
}

const struct server_host *parent_host(struct parent *parent)
{
    static struct server_host host = {.add = host_add,
                                      .remove = host_remove,
                                      .quota = host_quota,
                                      .singleton = host_singleton,
                                      .pseudonym_translated = true};
    host.user = parent;
    return &host;
}
