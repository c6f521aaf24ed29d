// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Children of a parent: entering them, their end, their next life; and the end of a pseudonym,
// which is where a client's death reaches the services (parent.h).
#include "lib/rt/selector.h"
#include "lib/rt/string.h"
#include "lib/service/client.h"
#include "lib/service/parent.h"

static unsigned cpu_order(const struct parent *parent)
{
    return selector_order(parent->cpu_count);
}

// A session that our own parent holds for the child ends there too.
static void forwarded_close(struct parent *parent, struct parent_pseudonym *p)
{
    struct msg m;
    parent_begin(&m, PARENT_CLOSE);
    msg_put_item(&m,
                 item_translate(crd(CRD_OBJ, parent->first_pseudonym + p->index, 0, RIGHT_ALL)));
    (void)!parent_call(&m);
    for (unsigned cpu = 0; cpu < parent->cpu_count; cpu++) {
        if (p->forwarded_portal[cpu] == SEL_NONE)
            continue;
        parent_withdraw(parent, p->forwarded_portal[cpu]);
        selector_drop(p->forwarded_portal[cpu]);
    }
}

struct parent_donation parent_pseudonym_donation(const struct parent_pseudonym *p)
{
    enum parent_route_kind route = p->forwarded  ? ROUTE_PARENT
                                   : p->provider ? ROUTE_CHILD
                                                 : ROUTE_BUILTIN;
    return (struct parent_donation){p->ram, p->caps, route, p->provider, true};
}

void parent_pseudonym_close(struct parent *parent, struct parent_pseudonym *p)
{
    if (!p->client)
        return;
    if (p->forwarded)
        forwarded_close(parent, p);
    parent_withdraw(parent, parent->first_pseudonym + p->index);
    hc_drop(parent->first_pseudonym + p->index); // from the client and the service too
    p->told = NULL;
    if (p->service && p->service->builtin)
        p->told = p->service->builtin;
    else if (p->service)
        hc_sm_up(p->service->event);
    struct parent_donation donation = parent_pseudonym_donation(p);
    if (parent->config.policy->closed)
        parent->config.policy->closed(parent, p->client, &donation);
    list_remove(&p->in_client);
    p->client->pseudonym_count--;
    parent_pseudonym_text_free(p);
    p->client = p->provider = NULL;
    p->service = NULL;
    p->next_free = parent->closing;
    parent->closing = p->index;
}

// Those that were closed under the lock are the caller's alone to tell of: who has the lock
// meanwhile finds none, may hold what a service's `close` wants, and has an answer in its UTCB
// maybe. And when this returns they have been told.
static __attribute__((noinline)) void tell_closed(struct parent *parent)
{
    u32 next = parent->closing;
    parent->closing = PARENT_NO_SLOT;
    while (next != PARENT_NO_SLOT) {
        struct parent_pseudonym *p = parent_pseudonym_at(parent, next);
        next = p->next_free;
        if (p->told) {
            mutex_unlock(&parent->lock);
            server_pseudonym_gone(p->told, parent->first_pseudonym + p->index);
            mutex_lock(&parent->lock);
        }
        p->next_free = parent->first_free;
        parent->first_free = p->index;
    }
}

void parent_unlock(struct parent *parent)
{
    if (UNLIKELY(parent->closing != PARENT_NO_SLOT))
        tell_closed(parent);
    mutex_unlock(&parent->lock);
}

error_t parent_client_add(struct parent *parent, void *user, struct parent_client **out)
{
    struct parent_client *client = NULL;
    mutex_lock(&parent->lock);
    for (u32 i = 0; i < PARENT_CLIENTS_MAX && !client; i++) {
        if (!parent->client[i].live) {
            client = &parent->client[i];
            client->index = i;
        }
    }
    error_t error = ERESOURCE;
    if (!client)
        goto unlock;
    bool given = client->index == 0 && parent->config.first_portals;
    client->portals =
        given ? parent->config.first_portals : selector_alloc_range(cpu_order(parent));
    if (client->portals == SEL_NONE)
        goto unlock;
    client->generation++;
    client->user = user;
    client->pseudonym_limit = ~0u; // its accounts bound it
    client->pseudonym_count = 0;
    list_init(&client->pseudonyms);
    error = parent_portals_create(parent, client);
    if (error)
        selector_free_range(client->portals, cpu_order(parent));
    client->live = !error;
    *out = client;
unlock:
    parent_unlock(parent);
    return error;
}

// All that a life of the child had. Under the lock.
static void end_life(struct parent *parent, struct parent_client *client)
{
    hc_revoke(SEL_PD, crd(CRD_OBJ, client->portals, cpu_order(parent), RIGHT_ALL), REVOKE_SELF);
    client->generation++;
    LIST_FOREACH (node, &client->pseudonyms)
        parent_pseudonym_close(parent, LIST_ENTRY(node, struct parent_pseudonym, in_client));
    parent_services_remove(parent, client);
}

// Nobody is to wait for its services, and what was donated to them returns while it is known who
// had it: the next child may be `client`.
static void sessions_end(struct parent *parent, const struct parent_client *client)
{
    for (u32 i = 0; i < parent->pseudonyms_made; i++) {
        struct parent_pseudonym *p = parent_pseudonym_at(parent, i);
        if (p->client && p->provider == client)
            parent_pseudonym_close(parent, p);
    }
}

void parent_client_remove(struct parent *parent, struct parent_client *client)
{
    mutex_lock(&parent->lock);
    end_life(parent, client);
    sessions_end(parent, client);
    client->live = false;
    selector_free_range(client->portals, cpu_order(parent));
    parent_unlock(parent);
}

error_t parent_client_restart(struct parent *parent, struct parent_client *client)
{
    mutex_lock(&parent->lock);
    end_life(parent, client);
    error_t error = parent_portals_create(parent, client);
    parent_unlock(parent);
    return error;
}
