// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The children's accounts (doc/quotas.md): what `ram` and `caps` of a block buy. RAM is numbers:
// what a child donates leaves its account and enters that of the sibling that serves it. Capability
// slots are the kernel's: they move from the child's domain into the domain of the service, or into
// init's own for what init serves itself or hands on to its parent, and bring their kernel memory
// along (CAP_KMEM). What is donated to a service that does not run waits with init.
//
// A service that has not yet let go of what a closed session had in use may be unable to give it
// back at once. Then it owes that to this client, and nobody else stands in for it: the client gets
// it as soon as the service has it, or has ended. All under parent.lock.
#include "init/init.h"
#include "lib/rt/heap.h"
#include "lib/rt/start.h"

// Slots that init keeps ready of a child's for its own books of the child's sessions.
enum { FEE_STEP = 8 };

// Debts are counted by child, the last to init itself.
enum { CREDITORS_MAX = CHILDREN_MAX + 1 };
struct debt { // to one of the children
    u64 ram;
    u32 caps;
};

static const char SESSION[] = "session", KEPT_DATASPACE[] = "kept dataspace";
static bool owing; // somebody owes something

static struct child *child_of(struct parent_client *client)
{
    return client ? client->user : NULL;
}

// Whose domain holds the slots that are `child`'s, or donated to it.
static sel_t holder(const struct child *child)
{
    return child && child->sel_pd != SEL_NONE && child->domain_up ? child->sel_pd : SEL_PD;
}

static error_t move_caps(sel_t to, sel_t from, u64 caps)
{
    return caps && to != from ? hc_pd_trade(to, from, caps) : SUCCESS;
}

u64 account_ram_limit(const struct child *child)
{
    return child->ram_limit + child->ram_received;
}

u64 account_ram_left(const struct child *child)
{
    u64 limit = account_ram_limit(child);
    return child->ram_used < limit ? limit - child->ram_used : 0;
}

u64 account_caps_left(const struct child *child)
{
    u64 used = 0, limit = 0;
    if (!child->domain_up || hc_pd_read(child->sel_pd, PD_READ_CAPS, &used, &limit))
        return 0;
    return limit > used ? limit - used : 0;
}

// What one session of the child costs init in slots: the pseudonym, and of one that is handed on
// maybe a portal a CPU.
static u64 fee_of(const struct parent_donation *d)
{
    return d->route == ROUTE_PARENT ? 1 + hip()->cpu_count : 1;
}

static error_t fee_take(struct child *child, u64 slots)
{
    u64 ready = child->fee_slots;
    if (child->fee_used + slots > ready) {
        u64 more = child->fee_used + slots - ready + FEE_STEP;
        error_t error = move_caps(SEL_PD, child->sel_pd, more);
        if (error) {
            peaks_forget_lack(child); // it asked for less
            error = move_caps(SEL_PD, child->sel_pd, more -= FEE_STEP);
        }
        if (error)
            return error;
        child->fee_slots += more;
    }
    child->fee_used += slots;
    return SUCCESS;
}

static void fee_return(struct child *child, u64 slots)
{
    child->fee_used -= slots;
    u64 spare = child->fee_slots - child->fee_used;
    if (spare > 3ul * FEE_STEP && !move_caps(holder(child), SEL_PD, spare - FEE_STEP))
        child->fee_slots -= spare - FEE_STEP;
}

static u64 at_most(u64 value, u64 most)
{
    return value < most ? value : most;
}

static void debts_collect(void);

static void give(struct child *child, u64 ram, u64 caps)
{
    child->ram_used += ram;
    child->caps_given += caps;
    if (child->ram_used > child->ram_high)
        child->ram_high = child->ram_used;
}

static error_t take(struct child *child, const char *service, const struct parent_donation *least,
                    struct parent_donation *more)
{
    struct child *to = child_of(more->provider);
    u64 books = more->first ? PSEUDONYM_COST : 0, left = account_ram_left(child);
    if (more->ram > left || books > left - more->ram)
        more->ram = least->ram;
    if (more->ram > left || books > left - more->ram)
        return account_refuse_ram(child, SESSION, service,
                                  more->ram > ~0ul - books ? more->ram : more->ram + books);
    if (more->first && fee_take(child, fee_of(more)))
        return account_refuse_caps(child, SESSION, service, fee_of(more));
    if (move_caps(holder(to), child->sel_pd, more->caps)) {
        peaks_forget_lack(child);
        more->caps = least->caps;
        if (move_caps(holder(to), child->sel_pd, more->caps)) {
            if (more->first)
                fee_return(child, fee_of(more));
            return account_refuse_caps(child, SESSION, service, more->caps);
        }
    }
    give(child, more->ram + books, more->caps);
    if (to) {
        to->ram_received += more->ram;
        to->caps_received += more->caps;
    }
    return SUCCESS;
}

error_t account_take(struct child *child, const char *service, const struct parent_donation *least,
                     struct parent_donation *more)
{
    if (owing)
        debts_collect();
    return take(child, service, least, more);
}

// It stays with init, whatever becomes of the child's life.
error_t account_keep(struct child *child, const char *name, const struct keep_price *price)
{
    if (owing)
        debts_collect();
    u64 most = child->config.keep_bytes, has = child->kept_bytes;
    if (has > most || price->bytes > most - has)
        return account_refuse_keep(child, name, price->bytes);
    if (price->ram > account_ram_left(child))
        return account_refuse_ram(child, KEPT_DATASPACE, name, price->ram);
    if (move_caps(SEL_PD, child->sel_pd, price->caps))
        return account_refuse_caps(child, KEPT_DATASPACE, name, price->caps);
    give(child, price->ram, price->caps);
    child->kept_bytes += price->bytes;
    return SUCCESS;
}

void account_keep_return(struct child *child, const struct keep_price *price)
{
    if (move_caps(holder(child), SEL_PD, price->caps))
        child_report(child, "%lu slots of what it kept come back with its next life", price->caps);
    child->caps_given -= price->caps;
    child->ram_used -= price->ram;
    child->kept_bytes -= price->bytes;
    if (owing)
        debts_collect();
}

// Takes what the service has of that to give: the rest it owes.
static void reclaim(struct child *to, struct child *from, struct debt *wanted)
{
    u64 back = wanted->ram;
    if (from) {
        u64 limit = account_ram_limit(from);
        back = at_most(back, limit > from->ram_used ? limit - from->ram_used : 0);
        from->ram_received -= back;
    }
    to->ram_used -= back;
    wanted->ram -= back;
    u32 caps = wanted->caps;
    error_t error = move_caps(holder(to), holder(from), caps);
    if (error && from && from->domain_up) { // as much as it has
        caps = (u32)at_most(caps, account_caps_left(from));
        error = move_caps(holder(to), holder(from), caps);
    }
    if (error)
        return;
    if (from)
        from->caps_received -= caps;
    to->caps_given -= caps;
    wanted->caps -= caps;
}

static void owe(struct child *from, const struct child *to, const struct debt *rest)
{
    struct debt *d = &from->debts[to->index];
    d->ram += rest->ram;
    d->caps += rest->caps;
    owing = true;
}

void account_return(struct child *child, const struct parent_donation *d)
{
    struct child *from = child_of(d->provider);
    struct debt rest = {d->ram, (u32)d->caps};
    reclaim(child, from, &rest);
    if (rest.ram | rest.caps && from && from->debts)
        owe(from, child, &rest);
    if (!d->first)
        return;
    child->ram_used -= PSEUDONYM_COST;
    fee_return(child, fee_of(d));
}

static void debts_collect(void)
{
    owing = false;
    for (unsigned i = 0; i < child_count; i++) {
        struct child *from = &children[i];
        for (unsigned k = 0; from->debts && k < CREDITORS_MAX; k++) {
            struct debt *d = &from->debts[k];
            if (!(d->ram | d->caps))
                continue;
            reclaim(k < CHILDREN_MAX ? &children[k] : &self, from, d);
            owing |= d->ram | d->caps;
        }
    }
}

static u64 caps_at_first(const struct child *child)
{
    u64 away = child->caps_given; // some services may owe it some from its life before
    return (child->config.caps > away ? child->config.caps - away : 0) + child->caps_received;
}

u64 account_kmem(const struct child *child)
{
    return child->config.kmem_bytes + child->caps_received * CAP_KMEM;
}

error_t account_before(struct child *child, u64 *caps)
{
    if (!child->debts)
        child->debts = heap_zalloc(CREDITORS_MAX * sizeof(struct debt));
    *caps = caps_at_first(child);
    return child->debts ? SUCCESS : EMEM;
}

static void begin(struct child *child)
{
    child->domain_up = true;
    child->caps_own = child->config.caps;
    child->kmem_own = child->config.kmem_bytes;
}

void account_made(struct child *child, u64 caps)
{
    u64 now = caps_at_first(child); // what came back or was donated meanwhile init has for it
    error_t error = now > caps ? move_caps(child->sel_pd, SEL_PD, now - caps)
                               : move_caps(SEL_PD, child->sel_pd, caps - now);
    if (error)
        child_report(child, "its domain has %lu slots in place of %lu", caps, now);
    begin(child);
}

error_t account_up(struct child *child)
{
    u64 caps;
    error_t error = account_before(child, &caps);
    if (!error)
        error = hc_create_pd(child->sel_pd, SEL_PD, account_kmem(child), caps);
    if (!error)
        begin(child);
    return error;
}

void account_down(struct child *child)
{
    peaks_sample(child);
    child->domain_up = false;
    child->fee_slots = child->fee_used = 0;
}

void account_image(struct child *child, u64 bytes)
{
    child->ram_used += bytes - child->image_ram;
    child->image_ram = bytes;
    if (!bytes)
        debts_collect();
}

void account_forget(struct child *child)
{
    for (unsigned i = 0; i < child_count; i++) {
        if (children[i].debts)
            children[i].debts[child->index] = (struct debt){0};
    }
    heap_free(child->debts);
    child->debts = NULL;
    child->ram_used = child->image_ram = child->ram_received = child->ram_high = 0;
    child->ram_wanted = child->caps_given = child->caps_received = 0;
    child->fee_slots = child->fee_used = child->kept_bytes = 0;
    child->caps_peak = child->kmem_peak = (struct peak){0};
    child->refusal = (struct refusal){.count = 0};
}

u64 account_caps_change(struct child *child, u64 old, u64 new)
{
    sel_t from = new > old ? SEL_PD : child->sel_pd, to = new > old ? child->sel_pd : SEL_PD;
    u64 wanted = new > old ? new - old : old - new;
    if (new < old)
        wanted = at_most(wanted, account_caps_left(child));
    return child->domain_up && !move_caps(to, from, wanted) ? wanted : 0;
}
