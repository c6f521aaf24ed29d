// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Protection domains (domain.h): making and destroying them.
#include "sigma0/domain.h"
#include "lib/rt/heap.h"
#include "lib/rt/range.h"
#include "lib/rt/selector.h"
#include "lib/rt/start.h"
#include "sigma0/exceptions.h"

// Who found the domain before it was withdrawn may still look into its address space, which is
// empty then.
static void release(struct named *named)
{
    struct domain *d = CONTAINER_OF(named, struct domain, named);
    if (d->space)
        region_map_put(d->space);
    semaphore_destroy(&d->lock.semaphore);
    heap_free(d);
}

struct domain *domain_find(struct typed_item name)
{
    struct named *named = named_find(name, NAMED_DOMAIN);
    return named ? CONTAINER_OF(named, struct domain, named) : NULL;
}

static void release_by_pd(struct named *named)
{
    domain_put(CONTAINER_OF(named, struct domain, by_pd));
}

struct domain *domain_of_thread(sel_t ec)
{
    u64 pd;
    if (hc_ec_pd(ec, &pd))
        return NULL;
    struct named *by_pd = named_find((struct typed_item){crd(CRD_OBJ, pd, 0, 0), 0}, NAMED_PD);
    if (!by_pd)
        return NULL;
    struct domain *d = CONTAINER_OF(by_pd, struct domain, by_pd);
    named_get(&d->named);
    named_put(by_pd);
    // A PD has no life that the kernel tells. But a thread never leaves its own, which is the first
    // to go when a domain ends: if it is in one at that selector yet, no other was there meanwhile.
    if (!hc_ec_pd(ec, &pd))
        return d;
    domain_put(d);
    return NULL;
}

void domain_enter(struct domain *d, struct subject *s)
{
    static u64 last;
    if (s->domain)
        return;
    named_get(&d->named);
    __atomic_store_n(&s->domain, d, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&s->ended, __ATOMIC_SEQ_CST))
        return; // its end sees the domain, or we see its end
    s->number = __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
    list_push_back(&d->threads, &s->in_domain);
}

// Of a domain's exception portals, of all CPUs.
static unsigned exceptions_order(void)
{
    return selector_order(hip()->cpu_count) + EXCEPTION_ORDER;
}

// Each vector that a program can raise costs the domain a capability slot; others are left out.
static error_t give_exceptions(const struct domain *d, sel_t first, sel_t base)
{
    static const u8 vectors[] = {0,  1,  3,  6,           13,        EXC_PAGE_FAULT,
                                 16, 17, 19, EXC_STARTUP, EXC_RECALL};
    struct utcb *u = utcb();
    for (unsigned i = 0; i < ARRAY_SIZE(vectors); i++)
        *utcb_item(u, i) =
            item_delegate(crd(CRD_OBJ, first + exception_portal_of(vectors[i]), 0, PT_EVENT),
                          base + vectors[i], 0);
    return hc_delegate(d->pd, ARRAY_SIZE(vectors));
}

// At SEL_EXC_CPU, where lib/rt and we expect them for every thread; SEL_EXC_BASE is for the main
// thread of a program that its parent starts.
static error_t exceptions_create(struct domain *d)
{
    error_t error = SUCCESS;
    for (unsigned cpu = 0; cpu < hip()->cpu_count && !error; cpu++) {
        sel_t first = d->exceptions + (cpu << EXCEPTION_ORDER);
        error = exception_portals(cpu, first, named_word(&d->named));
        if (!error)
            error = give_exceptions(d, first, SEL_EXC_CPU + EXC_COUNT * cpu);
    }
    return error;
}

static error_t area_create(struct domain *d, word_t base, struct region_map **area)
{
    struct region_request request = {0, 0, base / PAGE_SIZE, MEM_R | MEM_W | MEM_X, false};
    u64 at;
    error_t error = region_map_create(d->payer, AREA_SIZE / PAGE_SIZE, SEL_NONE, area);
    return error ? error : region_map_attach(d->space, (*area)->ds, &request, &at);
}

// Its threads are nobody's now: their sessions have them until they end them.
static void dismiss_threads(struct domain *d)
{
    mutex_lock(&d->lock);
    d->gone = true;
    server_uncharge_caps(d->payer, d->kept_caps);
    LIST_FOREACH (node, &d->threads) {
        struct subject *s = LIST_ENTRY(node, struct subject, in_domain);
        list_remove(&s->in_domain);
        list_remove(&s->in_events);
        if (s->payer)
            server_uncharge_cost(s->payer, s->cost);
        s->payer = NULL;
    }
    mutex_unlock(&d->lock);
}

// What it costs beside its region maps: PD_DOMAIN_CAPS, and what its kernel memory or its slots
// take out of sigma0's own accounts, each slot of which came with CAP_KMEM bytes.
static struct server_cost domain_cost(u64 kmem, u64 caps)
{
    u64 units = kmem / CAP_KMEM + (kmem % CAP_KMEM != 0);
    u64 own = PD_DOMAIN_CAPS + (u64)EXCEPTION_PORTALS * hip()->cpu_count;
    return (struct server_cost){PD_DOMAIN_COST, own + (units > caps ? units : caps)};
}

// What hangs on the domain, as far as it was made.
static void dismantle(struct domain *d)
{
    server_withdraw(d->payer->server, CRD_OBJ, d->pd, 1);
    hc_drop(d->pd); // first of all: nothing of it runs any more
    if (d->by_pd.sel == d->pd && named_leave(&d->by_pd))
        named_put(&d->by_pd);
    dismiss_threads(d);
    hc_revoke(SEL_PD, crd(CRD_OBJ, d->exceptions, exceptions_order(), RIGHT_ALL), REVOKE_SELF);
    if (d->space)
        region_map_destroy(d->space);
    if (d->stack)
        region_map_destroy(d->stack);
    if (d->linker)
        region_map_destroy(d->linker);
    selector_free(d->pd);
    selector_free_range(d->exceptions, exceptions_order());
    selector_drop(domain_release(d, &d->signal));
    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++) {
        if (d->parent[cpu] != SEL_NONE) // none comes to a domain that is gone
            selector_drop(domain_release(d, &d->parent[cpu]));
    }
    server_uncharge_cost(d->payer, d->cost);
}

void domain_recall_threads(struct domain *d)
{
    mutex_lock(&d->lock);
    LIST_FOREACH (node, &d->threads) {
        const struct subject *s = LIST_ENTRY(node, struct subject, in_domain);
        hc_revoke(SEL_PD, crd(CRD_OBJ, s->named.sel, 0, RIGHT_ALL), 0);
    }
    mutex_unlock(&d->lock);
}

error_t domain_keep(struct domain *d, sel_t *place, sel_t sel, sel_t *before)
{
    mutex_lock(&d->lock);
    sel_t there = *place;
    error_t error = d->gone             ? ENOTFOUND
                    : there == SEL_NONE ? server_charge_caps(d->payer, PD_SIGNAL_CAPS)
                    : before            ? SUCCESS
                                        : EBUSY;
    if (!error) {
        d->kept_caps += there == SEL_NONE;
        *place = sel;
    }
    mutex_unlock(&d->lock);
    if (before)
        *before = there;
    return error;
}

sel_t domain_release(struct domain *d, sel_t *place)
{
    mutex_lock(&d->lock);
    sel_t there = *place;
    if (there != SEL_NONE && !d->gone) {
        d->kept_caps--;
        server_uncharge_caps(d->payer, PD_SIGNAL_CAPS);
    }
    *place = SEL_NONE;
    mutex_unlock(&d->lock);
    return there;
}

// With the selectors reserved and paid for.
static error_t furnish(struct domain *d, sel_t account, u64 kmem, u64 caps)
{
    error_t error = hc_create_pd(d->pd, account == SEL_NONE ? SEL_PD : account, kmem, caps);
    if (error == ECAP)
        error = EPERM;
    if (!error)
        error = named_enter(&d->by_pd, d->pd, NAMED_PD, release_by_pd);
    if (!error) {
        named_get(&d->named);
        error = exceptions_create(d);
    }
    if (!error)
        error = region_map_create(d->payer, USER_END / PAGE_SIZE, d->pd, &d->space);
    if (!error) {
        named_get(&d->space->named);
        error = area_create(d, STACK_AREA_BASE, &d->stack);
    }
    if (!error)
        error = area_create(d, LINKER_AREA_BASE, &d->linker);
    return error;
}

static error_t make(struct server_session *payer, sel_t account, u64 kmem_bytes, u64 caps,
                    struct domain **out)
{
    error_t error = exceptions_prepare();
    struct server_cost cost =
        account == SEL_NONE ? domain_cost(kmem_bytes, caps) : domain_cost(0, 0);
    if (!error)
        error = server_charge_cost(payer, cost);
    if (error)
        return error;
    struct domain *d = heap_zalloc(sizeof(*d));
    error = EMEM;
    if (!d)
        goto uncharge;
    d->payer = payer;
    d->cost = cost;
    d->signal = SEL_NONE;
    d->lock = (struct mutex)MUTEX_INIT;
    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++)
        d->parent[cpu] = SEL_NONE;
    list_init(&d->threads);
    list_init(&d->events);
    list_init(&d->in_session);
    error = ERESOURCE;
    d->pd = selector_alloc();
    d->exceptions = selector_alloc_range(exceptions_order());
    if (d->pd == SEL_NONE || d->exceptions == SEL_NONE)
        goto free_selectors;
    error = named_create(&d->named, NAMED_DOMAIN, release);
    if (error)
        goto free_selectors;
    error = furnish(d, account, kmem_bytes, caps);
    if (!error) {
        *out = d;
        return SUCCESS;
    }
    if (named_withdraw(&d->named)) {
        dismantle(d);
        named_put(&d->named);
    }
    return error;
free_selectors:
    if (d->pd != SEL_NONE)
        selector_free(d->pd);
    if (d->exceptions != SEL_NONE)
        selector_free_range(d->exceptions, exceptions_order());
    heap_free(d);
uncharge:
    server_uncharge_cost(payer, cost);
    return error;
}

error_t domain_create(struct server_session *payer, sel_t account, u64 kmem_bytes, u64 caps,
                      struct domain **out)
{
    enum { CAPS_MAX = 1 << 24 };
    if (kmem_bytes % 64 || caps > CAPS_MAX)
        return EPARAM;
    error_t error = make(payer, account, kmem_bytes, caps, out);
    if (UNLIKELY(error == EMEM) && named_drain())
        error = make(payer, account, kmem_bytes, caps, out);
    return error;
}

void domain_destroy(struct domain *d)
{
    if (!named_withdraw(&d->named))
        return;
    dismantle(d);
    named_put(&d->named);
}
