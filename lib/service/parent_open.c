// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What a client asks of its parent: OPEN, CLOSE and GET_PORTAL (001_5c4c3d5892c9ef36.txt;
// protocol.h, PARENT_OPERATIONS). All under parent->lock.
#include "lib/rt/heap.h"
#include "lib/rt/selector.h"
#include "lib/rt/string.h"
#include "lib/rt/tsc.h"
#include "lib/service/client.h"
#include "lib/service/parent.h"

const char *parent_pseudonym_asked_args(const struct parent_pseudonym *p)
{
    const char *label = parent_pseudonym_asked_label(p);
    return label + strlen(label) + 1;
}

struct parent_pseudonym *parent_pseudonym_named(struct parent *parent, struct typed_item item)
{
    u64 index = crd_base(item.crd) - parent->first_pseudonym;
    if (crd_kind(item.crd) != CRD_OBJ || index >= parent->pseudonyms_made)
        return NULL;
    struct parent_pseudonym *p = parent_pseudonym_at(parent, (u32)index);
    return p->client ? p : NULL;
}

static sel_t selector_of(const struct parent *parent, const struct parent_pseudonym *p)
{
    return parent->first_pseudonym + p->index;
}

// The calling thread's windows while our own parent delegates something to `sel`.
static error_t parent_call_into(struct msg *m, sel_t sel)
{
    crd_t window = utcb()->window, window2 = utcb()->window2;
    utcb()->window = crd(CRD_OBJ, sel, 0, RIGHT_ALL);
    utcb()->window2 = 0;
    error_t error = parent_call(m);
    utcb()->window = window;
    utcb()->window2 = window2;
    return error;
}

// Asks our own parent for the same, so that the pseudonym it gives us becomes the child's.
static error_t forward_open(struct parent *parent, struct parent_pseudonym *p,
                            const struct parent_open *o)
{
    struct msg m;
    parent_begin(&m, PARENT_OPEN);
    msg_put_word(&m, o->ram);
    msg_put_word(&m, o->caps);
    msg_put_string(&m, o->name);
    msg_put_string(&m, o->label);
    msg_put_string(&m, o->args);
    error_t error = parent_call_into(&m, selector_of(parent, p));
    if (!error && !crd_kind(msg_get_item(&m).crd)) {
        (void)msg_get_word(&m);
        parent_close_lost(msg_get_word(&m));
        error = EMEM;
    }
    p->forwarded = !error;
    return error;
}

static error_t text_make(struct parent_pseudonym *p, const struct parent_open *o)
{
    size_t name = strlen(o->name) + 1, label = strlen(o->label) + 1, args = strlen(o->args) + 1,
           all = name + label + args + o->asked_bytes;
    char *text = all <= sizeof(p->short_text) ? p->short_text : heap_alloc(all);
    if (!text)
        return EMEM;
    memcpy(text, o->name, name);
    memcpy(text + name, o->label, label);
    memcpy(text + name + label, o->args, args);
    memcpy(text + name + label + args, o->asked, o->asked_bytes);
    p->text = text;
    p->label_at = (u16)name;
    p->args_at = (u16)(name + label);
    p->asked_at = (u16)(name + label + args);
    return SUCCESS;
}

void parent_pseudonym_text_free(struct parent_pseudonym *p)
{
    if (p->text != p->short_text)
        heap_free(p->text);
    p->text = NULL;
}

void parent_pseudonym_resolve(struct parent *parent, struct parent_pseudonym *p)
{
    if (!p->forwarded)
        p->service = parent_service_find(parent, p->provider, parent_pseudonym_name(p));
}

// The slot is the client's on success.
static error_t pseudonym_make(struct parent *parent, struct parent_client *client,
                              struct parent_pseudonym *p, const struct parent_open *o)
{
    error_t error = text_make(p, o);
    if (error)
        return error;
    p->forwarded = p->claimed = p->reported = false;
    p->waiting_since = 0;
    p->provider = o->route == ROUTE_CHILD ? o->provider : NULL;
    p->ram = o->ram;
    p->caps = o->caps;
    p->number = ++parent->sessions;
    for (unsigned cpu = 0; cpu < MAX_CPUS && o->route == ROUTE_PARENT; cpu++)
        p->forwarded_portal[cpu] = SEL_NONE;
    error = o->route == ROUTE_PARENT ? forward_open(parent, p, o)
                                     : hc_create_sm(selector_of(parent, p), 0, SEL_PD);
    if (error) {
        parent_pseudonym_text_free(p);
        return error;
    }
    p->client = client;
    list_push_back(&client->pseudonyms, &p->in_client);
    client->pseudonym_count++;
    parent_pseudonym_resolve(parent, p);
    return SUCCESS;
}

static void give_back(struct parent *parent, struct parent_client *client,
                      const struct parent_donation *donation)
{
    if (parent->config.policy->closed)
        parent->config.policy->closed(parent, client, donation);
}

static struct parent_donation donation_of(const struct parent_open *o)
{
    return (struct parent_donation){o->ram, o->caps, o->route, o->provider, true};
}

// Makes another slot if none is free.
static bool slot_ready(struct parent *parent)
{
    u32 index = parent->pseudonyms_made;
    if (parent->first_free != PARENT_NO_SLOT)
        return true;
    if (index >= 1u << parent->config.pseudonym_order)
        return false;
    struct parent_pseudonym **chunk = &parent->pseudonym_chunk[index / PSEUDONYM_CHUNK];
    if (!*chunk && !(*chunk = heap_zalloc(PSEUDONYM_CHUNK * sizeof(struct parent_pseudonym))))
        return false;
    struct parent_pseudonym *p = parent_pseudonym_at(parent, index);
    p->index = index;
    p->next_free = PARENT_NO_SLOT;
    parent->first_free = index;
    parent->pseudonyms_made++;
    return true;
}

static error_t admit(struct parent *parent, struct parent_client *client, struct parent_open *o)
{
    if (client->pseudonym_count >= client->pseudonym_limit || !slot_ready(parent))
        return ERESOURCE;
    o->route = ROUTE_DENY;
    error_t error = parent->config.policy->open(parent, client, o);
    if (error)
        return error;
    if (o->route != ROUTE_DENY && (o->route != ROUTE_PARENT || parent->config.has_parent))
        return SUCCESS;
    struct parent_donation donation = donation_of(o);
    give_back(parent, client, &donation);
    return EPERM;
}

// Label and arguments as they were asked for, one after the other; mostly there are none.
static size_t asked_copy(struct parent_open *o)
{
    size_t label = 1, args = 1;
    o->asked[0] = o->asked[1] = 0;
    if (*o->label)
        label = strlcpy(o->asked, o->label, sizeof(o->asked)) + 1;
    o->asked[label] = 0;
    if (*o->args)
        args = strlcpy(o->asked + label, o->args, sizeof(o->asked) - label) + 1;
    return label + args;
}

error_t parent_do_open(struct parent *parent, struct parent_client *client, struct parent_cpu *cpu,
                       struct msg *m)
{
    (void)cpu;
    struct parent_open o;
    word_t places = 0;
    o.provider = NULL;
    o.ram = msg_get_word(m);
    o.caps = msg_get_word(m);
    msg_get_string(m, o.name, sizeof(o.name));
    msg_get_string(m, o.label, sizeof(o.label));
    msg_get_string(m, o.args, sizeof(o.args));
    if (!msg_error(m) && m->next_word < m->in_words)
        places = msg_get_word(m);
    if (msg_error(m) || !o.name[0] || !parent_text_is_plain(o.name) ||
        !parent_text_is_plain(o.label) || !parent_text_is_plain(o.args))
        return EPROTO;
    o.asked_bytes = asked_copy(&o);
    error_t error = admit(parent, client, &o);
    if (error)
        return error;
    struct parent_pseudonym *p = parent_pseudonym_at(parent, parent->first_free);
    u32 next = p->next_free;
    error = pseudonym_make(parent, client, p, &o);
    if (error) {
        struct parent_donation donation = donation_of(&o);
        give_back(parent, client, &donation);
        return error;
    }
    parent->first_free = next;
    unsigned at_cpu = places & 0xff;
    sel_t portal = SEL_NONE;
    if (places && p->service && at_cpu < parent->cpu_count)
        portal = p->service->portal[at_cpu];
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, portal == SEL_NONE ? 0 : p->service->flags + 1ul);
    msg_put_word(m, selector_of(parent, p));
    msg_put_item(m, item_delegate(crd(CRD_OBJ, selector_of(parent, p), 0, SM_UP | SM_DOWN),
                                  places >> 8 & 0xff, 0));
    if (portal == SEL_NONE)
        return SUCCESS;
    bool own = p->service->flags & SERVICE_SESSION_PORTALS;
    msg_put_item(
        m, item_delegate(crd(CRD_OBJ, portal, 0, PT_CALL), places >> (own ? 16 : 24) & 0xff, 0));
    return SUCCESS;
}

// A forwarded session is our own parent's affair too: what came from the child goes on up there.
// *more becomes what that one took.
static error_t forward_upgrade(const struct parent *parent, const struct parent_pseudonym *p,
                               const struct parent_donation *least, struct parent_donation *more)
{
    struct msg m;
    parent_begin(&m, PARENT_UPGRADE);
    msg_put_word(&m, more->ram);
    msg_put_word(&m, more->caps);
    msg_put_word(&m, least->ram);
    msg_put_word(&m, least->caps);
    msg_put_item(&m, item_translate(crd(CRD_OBJ, selector_of(parent, p), 0, RIGHT_ALL)));
    error_t error = parent_call(&m);
    if (error)
        return error;
    more->ram = msg_get_word(&m);
    more->caps = msg_get_word(&m);
    return msg_error(&m);
}

// The account has paid `more`; what our own parent does not take returns there.
static error_t upgrade_above(struct parent *parent, struct parent_client *client,
                             const struct parent_pseudonym *p, const struct parent_donation *least,
                             struct parent_donation *more)
{
    struct parent_donation rest = *more;
    if (!p->forwarded)
        return SUCCESS;
    error_t error = forward_upgrade(parent, p, least, more);
    if (error)
        *more = (struct parent_donation){0};
    rest.ram -= more->ram < rest.ram ? more->ram : rest.ram;
    rest.caps -= more->caps < rest.caps ? more->caps : rest.caps;
    if (rest.ram | rest.caps)
        give_back(parent, client, &rest);
    return error;
}

error_t parent_do_upgrade(struct parent *parent, struct parent_client *client,
                          struct parent_cpu *cpu, struct msg *m)
{
    (void)cpu;
    u64 ram = msg_get_word(m), caps = msg_get_word(m), least_ram = msg_get_word(m),
        least_caps = msg_get_word(m);
    struct parent_pseudonym *p = parent_pseudonym_named(parent, msg_get_item(m));
    if (msg_error(m) || least_ram > ram || least_caps > caps)
        return EPROTO;
    if (!p || p->client != client)
        return ENOTFOUND;
    if (!parent->config.policy->upgrade)
        return EPERM;
    struct parent_donation more = parent_pseudonym_donation(p), least;
    more.first = false;
    least = more;
    more.ram = ram;
    more.caps = caps;
    least.ram = least_ram;
    least.caps = least_caps;
    error_t error =
        parent->config.policy->upgrade(parent, client, parent_pseudonym_name(p), &least, &more);
    if (!error)
        error = upgrade_above(parent, client, p, &least, &more);
    if (error)
        return error;
    p->ram += more.ram;
    p->caps += more.caps;
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, more.ram);
    msg_put_word(m, more.caps);
    return SUCCESS;
}

error_t parent_do_close(struct parent *parent, struct parent_client *client, struct parent_cpu *cpu,
                        struct msg *m)
{
    (void)cpu;
    // A pseudonym that did not reach its client is named by number; nobody closes another's.
    struct typed_item item =
        m->in_items ? msg_get_item(m) : item_translate(crd(CRD_OBJ, msg_get_word(m), 0, 0));
    struct parent_pseudonym *p = msg_error(m) ? NULL : parent_pseudonym_named(parent, item);
    if (!p || p->client != client)
        return ENOTFOUND;
    parent_pseudonym_close(parent, p);
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    return SUCCESS;
}

// The portal of our own parent's service for this pseudonym, asked for when it is first needed and
// again when it has died.
static error_t forward_portal(struct parent *parent, struct parent_pseudonym *p, unsigned cpu)
{
    crd_t found;
    sel_t *portal = &p->forwarded_portal[cpu];
    if (*portal != SEL_NONE && !hc_lookup(crd(CRD_OBJ, *portal, 0, RIGHT_ALL), &found))
        return SUCCESS;
    if (*portal == SEL_NONE)
        *portal = selector_alloc();
    if (*portal == SEL_NONE)
        return ERESOURCE;
    struct msg m;
    parent_begin(&m, PARENT_GET_PORTAL);
    msg_put_word(&m, cpu);
    msg_put_item(&m, item_translate(crd(CRD_OBJ, selector_of(parent, p), 0, RIGHT_ALL)));
    error_t error = parent_call_into(&m, *portal);
    if (error)
        return error;
    p->forwarded_flags = (u32)msg_get_word(&m);
    return crd_kind(msg_get_item(&m).crd) ? SUCCESS : EMEM;
}

error_t parent_do_get_portal(struct parent *parent, struct parent_client *client,
                             struct parent_cpu *handler, struct msg *m)
{
    (void)handler;
    word_t cpu = msg_get_word(m);
    struct parent_pseudonym *p = parent_pseudonym_named(parent, msg_get_item(m));
    if (msg_error(m) || cpu >= parent->cpu_count)
        return EPROTO;
    if (!p || p->client != client)
        return ENOTFOUND;
    sel_t portal = SEL_NONE;
    u32 flags = 0;
    error_t error = SUCCESS;
    if (p->forwarded) {
        error = forward_portal(parent, p, (unsigned)cpu);
        portal = p->forwarded_portal[cpu];
        flags = p->forwarded_flags;
    } else if (p->service) {
        portal = p->service->portal[cpu];
        flags = p->service->flags;
    }
    if (error && error != ERETRY)
        return error;
    if (error || portal == SEL_NONE) {
        if (!p->waiting_since)
            p->waiting_since = rdtsc();
        return ERETRY;
    }
    p->waiting_since = 0;
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, flags);
    msg_put_item(m, item_delegate(crd(CRD_OBJ, portal, 0, PT_CALL), 0, 0));
    return SUCCESS;
}
