// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Opening, mending and closing sessions (client.h). test/models/service_retry.pml is the SPIN model
// of the loop: threads that call, a service that dies and returns, a parent that revokes.
//
// All that changes a handle's selectors happens under its lock and ends with a new generation: a
// thread that comes here with an error of an older one only tries its call again.
#include "lib/service/client.h"
#include "lib/rt/dry.h"
#include "lib/rt/selector.h"
#include "lib/rt/string.h"
#include "lib/rt/tsc.h"

// A parent that has not noticed a death for 20 seconds never will.
enum { STALE_TRIES = 2000, STALE_WAIT_US = 10000, PORTAL_ORDER_MIN = 2 };

struct windows {
    crd_t obj, second;
};

static struct windows windows_set(sel_t sel, unsigned order)
{
    struct windows old = {utcb()->window, utcb()->window2};
    utcb()->window = crd(CRD_OBJ, sel, order, RIGHT_ALL);
    utcb()->window2 = 0;
    return old;
}

static void windows_restore(struct windows old)
{
    utcb()->window = old.obj;
    utcb()->window2 = old.second;
}

// What names it to the parent. In the parent's own domain that is the parent's selector: what
// stands at our base was made of it, and would be its own nearest ancestor there.
static crd_t pseudonym_of(const struct service_client *c)
{
    return crd(CRD_OBJ, c->parent ? c->named : c->base + CLIENT_PSEUDONYM, 0, RIGHT_ALL);
}

// Most have one parent. An init that is a client of its own children asks itself.
static error_t ask_parent(const struct service_client *c, struct msg *m)
{
    if (LIKELY(!c->parent))
        return parent_call(m);
    error_t error = msg_call(m, c->parent + thread_cpu());
    if (error)
        return error;
    error = (error_t)msg_get_word(m);
    return msg_error(m) ? EPROTO : error;
}

static unsigned portal_order(const struct service_client *c)
{
    return c->order - 1u;
}

struct service_quota service_donated;

static void note_donation(const struct service_client *c, u64 ram, u64 caps)
{
    if (c->parent)
        return; // from an account that we keep ourselves
    __atomic_fetch_add(&service_donated.ram, ram, __ATOMIC_RELAXED);
    __atomic_fetch_add(&service_donated.caps, caps, __ATOMIC_RELAXED);
}

static u64 at_least(u64 value, u64 least)
{
    return value > least ? value : least;
}

static sel_t scratch_of(const struct service_client *c)
{
    return c->base - c->scratch;
}

static void drop(struct service_client *c, unsigned place)
{
    if (c->held & 1u << place)
        hc_drop(c->base + place);
    c->held &= ~(1u << place);
}

static void drop_portals(struct service_client *c)
{
    u32 all = c->held >> CLIENT_PORTAL;
    while (all) {
        drop(c, CLIENT_PORTAL + (unsigned)__builtin_ctz(all));
        all &= all - 1;
    }
}

error_t service_init(struct service_client *c, const char *name, const char *label,
                     const char *args, struct service_quota quota)
{
    unsigned order = selector_order(hip()->cpu_count);
    if (order < PORTAL_ORDER_MIN)
        order = PORTAL_ORDER_MIN;
    sel_t range = selector_alloc_range(order + 1);
    *c = (struct service_client){.base = SEL_NONE};
    if (range == SEL_NONE)
        return ERESOURCE;
    *c = (struct service_client){
        .base = range + (1u << order) - CLIENT_PORTAL,
        .order = (u8)(order + 1),
        .scratch = (u8)((1u << order) - CLIENT_PORTAL),
        .lock = MUTEX_INIT,
        .name = name,
        .label = label,
        .args = args,
        .quota = {at_least(quota.ram, SESSION_RAM_LEAST),
                  at_least(quota.caps, service_caps_least())},
    };
    return SUCCESS;
}

// OPEN at the parent: base + 0 becomes the pseudonym. A service that exists already sends its
// portal along (*portal): to the scratch selector if sessions have portals of their own, else to
// its slot.
static error_t pseudonym_open(struct service_client *c, bool *portal)
{
    struct msg m;
    unsigned slot = CLIENT_PORTAL + thread_cpu();
    parent_begin(&m, PARENT_OPEN);
    msg_put_word(&m, c->quota.ram);
    msg_put_word(&m, c->quota.caps);
    msg_put_string(&m, c->name);
    msg_put_string(&m, c->label);
    msg_put_string(&m, c->args);
    msg_put_word(&m, open_places(thread_cpu(), c->scratch, 0, c->scratch + slot));
    drop(c, slot);
    struct windows old = windows_set(scratch_of(c), c->order);
    error_t error = ask_parent(c, &m);
    windows_restore(old);
    c->denied = error == EPERM;
    if (error)
        return error;
    word_t flags = msg_get_word(&m);
    c->named = (sel_t)msg_get_word(&m);
    if (!crd_kind(msg_get_item(&m).crd)) {
        if (!c->parent)
            parent_close_lost(c->named);
        return rt_refused(EMEM); // granted, but there was no room to put it
    }
    c->held |= 1u << CLIENT_PSEUDONYM;
    note_donation(c, c->quota.ram, c->quota.caps);
    *portal = flags && crd_kind(msg_get_item(&m).crd);
    if (!*portal)
        return SUCCESS;
    c->flags = (u16)(flags - 1);
    if (!(c->flags & SERVICE_SESSION_PORTALS))
        c->held |= 1u << slot;
    return SUCCESS;
}

// GET_PORTAL: `to` becomes the service's portal.
static error_t portal_get(struct service_client *c, sel_t to)
{
    struct msg m;
    parent_begin(&m, PARENT_GET_PORTAL);
    msg_put_word(&m, thread_cpu());
    msg_put_item(&m, item_translate(pseudonym_of(c)));
    struct windows old = windows_set(to, 0);
    error_t error = ask_parent(c, &m);
    windows_restore(old);
    if (error)
        return error;
    c->flags = (u16)msg_get_word(&m);
    return crd_kind(msg_get_item(&m).crd) ? SUCCESS : rt_refused(EMEM);
}

// SERVICE_OPEN through the portal `pt`. ECAP and EABORT mean that the service is gone again.
static error_t session_open(struct service_client *c, sel_t pt)
{
    struct msg m;
    bool portals = c->flags & SERVICE_SESSION_PORTALS;
    crd_t pseudonym = pseudonym_of(c);
    msg_begin(&m);
    msg_put_word(&m, SERVICE_OPEN);
    msg_put_word(&m, 0);
    msg_put_item(&m, item_delegate(pseudonym, 0, 0));
    msg_put_item(&m, item_translate(pseudonym));
    drop(c, CLIENT_SESSION);
    struct windows old = portals ? windows_set(c->base + CLIENT_PORTAL, portal_order(c))
                                 : windows_set(c->base + CLIENT_SESSION, 0);
    error_t error = msg_call(&m, pt);
    windows_restore(old);
    if (error)
        return error;
    error = (error_t)msg_get_word(&m);
    if (error == ERESOURCE) {
        c->missing.ram = msg_get_word(&m);
        c->missing.caps = msg_get_word(&m);
    }
    if (error)
        return error == ECAP || error == EABORT ? EPROTO : error;
    if (msg_error(&m) || !m.in_items)
        return EPROTO;
    if (!crd_kind(msg_get_item(&m).crd))
        return rt_refused(EMEM); // granted, but there was no room to put it
    if (portals)
        c->held |= ((1u << hip()->cpu_count) - 1) << CLIENT_PORTAL;
    else
        c->held |= 1u << CLIENT_SESSION;
    return SUCCESS;
}

// One attempt, from whatever is there to a usable portal and session. *asked: the service itself
// was, and what is returned is its answer.
static error_t open_once(struct service_client *c, bool *asked)
{
    unsigned slot = CLIENT_PORTAL + thread_cpu();
    error_t error = SUCCESS;
    bool portal = false;
    *asked = false;
    if (!(c->held & 1u << CLIENT_PSEUDONYM))
        error = pseudonym_open(c, &portal);
    if (error)
        return error;
    sel_t scratch = scratch_of(c);
    bool known = c->flags && !(c->flags & SERVICE_SESSION_PORTALS);
    if (portal) {
        error = SUCCESS; // it came with the pseudonym
    } else if (known || c->held & 1u << CLIENT_SESSION) {
        drop(c, slot);
        error = portal_get(c, c->base + slot);
        c->held |= 1u << slot;
    } else {
        error = portal_get(c, scratch);
        if (!error && !(c->flags & SERVICE_SESSION_PORTALS)) {
            // Not that kind: the portal belongs into its slot. Twice only at the first opening.
            hc_drop(scratch);
            drop(c, slot);
            error = portal_get(c, c->base + slot);
            c->held |= 1u << slot;
        }
    }
    if (error || c->flags & SERVICE_STATELESS)
        return error;
    *asked = true;
    if (c->flags & SERVICE_SESSION_PORTALS) {
        drop_portals(c);
        error = session_open(c, scratch);
        hc_drop(scratch);
    } else if (!(c->held & 1u << CLIENT_SESSION)) {
        error = session_open(c, c->base + slot);
    }
    return error;
}

// UPGRADE at the parent, by what is asked for or the least. Under the lock.
static error_t donate(struct service_client *c, struct service_quota more,
                      struct service_quota least)
{
    struct msg m;
    parent_begin(&m, PARENT_UPGRADE);
    msg_put_word(&m, more.ram);
    msg_put_word(&m, more.caps);
    msg_put_word(&m, least.ram);
    msg_put_word(&m, least.caps);
    msg_put_item(&m, item_translate(pseudonym_of(c)));
    error_t error = ask_parent(c, &m);
    if (error)
        return error;
    u64 ram = msg_get_word(&m), caps = msg_get_word(&m);
    c->quota.ram += ram;
    c->quota.caps += caps;
    note_donation(c, ram, caps);
    return msg_error(&m);
}

// The service wants more for a session than we gave. ERESOURCE: it does not say what, or it cannot
// be had.
static error_t pay_price(struct service_client *c)
{
    struct service_quota missing = c->missing;
    c->missing = (struct service_quota){0, 0};
    if (c->fixed || !(missing.ram | missing.caps))
        return ERESOURCE;
    return donate(c, missing, missing);
}

// Until there is a session or no hope of one.
static error_t open_all(struct service_client *c)
{
    bool reopened = false, asked;
    c->missing = (struct service_quota){0, 0};
    for (unsigned tries = 0; tries < STALE_TRIES;) {
        error_t error = open_once(c, &asked);
        switch (error) {
        case ERESOURCE:
            error = pay_price(c);
            if (error)
                return error;
            tries++;
            break;
        case ERETRY: // not there (yet): the parent ups the pseudonym when it is
            if (c->impatient)
                return ERETRY;
            (void)!hc_sm_down(c->base + CLIENT_PSEUDONYM, DEADLINE_NEVER);
            break;
        case ENOTFOUND: // the pseudonym is no more: one new one
            if (asked)
                return ENOTFOUND; // the service has no such thing
            if (c->held & 1u << CLIENT_PSEUDONYM)
                note_donation(c, -c->quota.ram, -c->quota.caps);
            drop(c, CLIENT_PSEUDONYM);
            if (reopened)
                return ENOTFOUND;
            reopened = true;
            break;
        case ECAP: // dead, and the parent has not noticed yet
        case EABORT:
            (void)!hc_sm_down(c->base + CLIENT_PSEUDONYM, deadline_in_us(STALE_WAIT_US));
            tries++;
            break;
        default: return error;
        }
    }
    return EABORT;
}

error_t service_repair(struct service_client *c, error_t error, u32 generation)
{
    error_t result = SUCCESS;
    if (c->base == SEL_NONE)
        return EPERM;
    mutex_lock(&c->lock);
    if (generation == c->generation) {
        if (error == EEXISTS)
            drop(c, CLIENT_SESSION);
        if (error == EABORT) {
            drop_portals(c); // the next call finds none
            drop(c, CLIENT_SESSION);
        } else {
            result = open_all(c);
        }
        __atomic_store_n(&c->generation, generation + 1, __ATOMIC_RELEASE);
    }
    mutex_unlock(&c->lock);
    return result;
}

error_t service_open(struct service_client *c)
{
    if (c->held >> CLIENT_SESSION)
        return SUCCESS;
    return service_repair(c, ECAP, c->generation);
}

// Whatever goes wrong here, the service asks when the session is opened the next time.
static void tell_upgrade(struct service_client *c)
{
    struct msg m;
    unsigned slot = CLIENT_PORTAL + thread_cpu();
    if (c->flags & SERVICE_STATELESS || !(c->held & 1u << slot))
        return;
    msg_begin(&m);
    msg_put_word(&m, SERVICE_UPGRADE);
    msg_put_word(&m, 0);
    if (!(c->flags & SERVICE_SESSION_PORTALS))
        msg_put_item(&m, item_translate(crd(CRD_OBJ, c->base + CLIENT_SESSION, 0, RIGHT_ALL)));
    (void)!msg_call(&m, c->base + slot);
}

static error_t upgrade(struct service_client *c, struct service_quota more,
                       struct service_quota least)
{
    error_t error = SUCCESS;
    if (c->base == SEL_NONE)
        return EPERM;
    mutex_lock(&c->lock);
    if (!(c->held & 1u << CLIENT_PSEUDONYM)) {
        c->quota.ram += more.ram;
        c->quota.caps += more.caps;
    } else if (!(error = donate(c, more, least))) {
        tell_upgrade(c);
    }
    mutex_unlock(&c->lock);
    return error;
}

error_t service_upgrade(struct service_client *c, struct service_quota more)
{
    return upgrade(c, more, more);
}

// Some more than what is missing, so that the next requests do not come here again: a quarter of
// what the session has; but where that is not to be had, no more than needed.
error_t service_pay(struct service_client *c, head_t h, u64 ram, u64 caps)
{
    enum { SHARE = 4, CAPS_STEP = 4 };
    if (c->fixed || head_untyped(h) != 3 || head_typed(h) || !(ram | caps))
        return ERESOURCE;
    struct service_quota least = {ram, caps}, more = least;
    if (ram && ram < ~0ul - PAGE_SIZE)
        more.ram = ALIGN_UP(at_least(ram, c->quota.ram / SHARE), PAGE_SIZE);
    if (caps)
        more.caps = at_least(caps, c->quota.caps / SHARE + CAPS_STEP);
    return upgrade(c, more, least);
}

// Tells the service; of no consequence if it fails, since the parent tells it too.
static void session_close(struct service_client *c)
{
    struct msg m;
    unsigned slot = CLIENT_PORTAL + thread_cpu();
    if (c->flags & SERVICE_STATELESS || !(c->held & 1u << slot))
        return;
    msg_begin(&m);
    msg_put_word(&m, SERVICE_CLOSE);
    msg_put_word(&m, 0);
    if (!(c->flags & SERVICE_SESSION_PORTALS))
        msg_put_item(&m, item_translate(crd(CRD_OBJ, c->base + CLIENT_SESSION, 0, RIGHT_ALL)));
    (void)!msg_call(&m, c->base + slot);
}

void service_close(struct service_client *c)
{
    if (c->base == SEL_NONE)
        return;
    session_close(c);
    if (c->held & 1u << CLIENT_PSEUDONYM) {
        struct msg m;
        parent_begin(&m, PARENT_CLOSE);
        msg_put_item(&m, item_translate(pseudonym_of(c)));
        note_donation(c, -c->quota.ram, -c->quota.caps);
        if (!ask_parent(c, &m))
            c->held &= ~(1u << CLIENT_PSEUDONYM); // the parent's word is good
    }
    // What the service gave is gone with it, but a dead one may have left something.
    drop_portals(c);
    drop(c, CLIENT_SESSION);
    drop(c, CLIENT_PSEUDONYM);
    semaphore_destroy(&c->lock.semaphore);
    selector_free_range(scratch_of(c), c->order);
    c->base = SEL_NONE;
}
