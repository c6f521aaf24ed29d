// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// PD (protocol.h, PD_OPERATIONS; 002_8bbc1eeec7f51661.txt, Protection domains): accounts of RAM and
// capability slots, dataspaces and domains in them. The account is what was donated with the
// session, plus and minus what moved from and to the reference account. All that a session made is
// its own: when it is closed, that vanishes everywhere.
#include "lib/rt/heap.h"
#include "lib/rt/print.h"
#include "lib/rt/range.h"
#include "lib/rt/selector.h"
#include "lib/rt/string.h"
#include "sigma0/domain.h"
#include "sigma0/options.h"
#include "sigma0/physical.h"
#include "sigma0/rm.h"
#include "sigma0/services.h"

struct pd_session {
    struct list link; // in `sessions`
    struct server_session *session;
    struct mutex lock; // guards the lists
    struct list dataspaces, domains;
    struct rm_owner maps;
    // Under `sessions_lock`:
    struct pd_session *reference;
    struct list dependents, in_reference;
    struct server_cost borrowed; // what is the reference account's
};

static struct mutex sessions_lock = MUTEX_INIT;
static struct list sessions = LIST_INIT(sessions);

static struct dataspace *find(struct msg *m)
{
    return dataspace_find(msg_get_item(m));
}

static error_t put_pages(struct msg *m, const struct dataspace *ds, word_t flags)
{
    unsigned rights = MEM_R | (flags & PD_EXECUTABLE ? MEM_X : flags & PD_READ_ONLY ? 0 : MEM_W);
    return range_put(m, CRD_MEM, ds->view, 0, ds->count, rights & ds->rights,
                     ds->attr | (flags & PD_UNCACHED ? ITEM_UNCACHED : 0), CRD_ORDER_MAX);
}

// What goes out with the replies of each CPU's handler.
static struct dataspace *held[MAX_CPUS];

static struct server_cost dataspace_cost(u64 bytes)
{
    return (struct server_cost){bytes + PD_DATASPACE_COST, PD_DATASPACE_CAPS};
}

static error_t alloc(struct server_session *session, struct msg *m)
{
    struct pd_session *pd = session->user;
    u64 bytes = msg_get_word(m);
    word_t flags = msg_get_word(m);
    struct dataspace *ds;
    if (msg_error(m) || bytes == 0 || bytes > ~0ul - PAGE_SIZE - PD_DATASPACE_COST)
        return EPROTO;
    bytes = ALIGN_UP(bytes, PAGE_SIZE);
    error_t error = server_charge_cost(session, dataspace_cost(bytes));
    if (error)
        return error;
    error = dataspace_create_ram(bytes / PAGE_SIZE, &ds);
    if (error) {
        server_uncharge_cost(session, dataspace_cost(bytes));
        return error;
    }
    ds->owner = pd;
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, bytes);
    msg_put_item(m, named_item(&ds->named, 0));
    if (flags & PD_ATTACH) {
        dataspace_hold(&held[thread_cpu()], ds);
        error = put_pages(m, ds, flags);
    }
    // The last thing: once it is in the list another CPU may end it (give_back).
    mutex_lock(&pd->lock);
    list_push_back(&pd->dataspaces, &ds->in_owner);
    mutex_unlock(&pd->lock);
    return error;
}

static error_t attach(struct msg *m)
{
    word_t flags = msg_get_word(m);
    struct dataspace *ds = find(m);
    if (!ds)
        return ENOTFOUND;
    error_t error = msg_error(m) || ds->map ? EPROTO : SUCCESS; // a managed one has no pages
    if (!error) {
        msg_begin(m);
        msg_put_word(m, SUCCESS);
        msg_put_word(m, ds->count * PAGE_SIZE);
        dataspace_hold(&held[thread_cpu()], ds);
        error = put_pages(m, ds, flags);
    }
    dataspace_put(ds);
    return error;
}

// Takes a dataspace of the session out of its list; false if it is none, or somebody was faster.
static bool disown(struct pd_session *pd, struct dataspace *ds)
{
    mutex_lock(&pd->lock);
    bool ours = ds->owner == pd && !list_empty(&ds->in_owner);
    if (ours)
        list_remove(&ds->in_owner);
    mutex_unlock(&pd->lock);
    return ours;
}

static void destroy(struct pd_session *pd, struct dataspace *ds)
{
    struct server_cost cost = dataspace_cost(ds->count * PAGE_SIZE);
    dataspace_destroy(ds);
    server_uncharge_cost(pd->session, cost);
}

static error_t free_one(struct pd_session *pd, struct msg *m)
{
    struct dataspace *ds = find(m);
    if (!ds)
        return ENOTFOUND;
    bool ours = disown(pd, ds);
    if (ours)
        destroy(pd, ds);
    dataspace_put(ds);
    return ours ? server_done(m) : ENOTFOUND;
}

// The session's books stay as they are: one goes, one of the same size comes. Nobody writes to the
// old one any more when it is copied; a reply under way that maps it shows pages that nobody uses.
static error_t renew(struct pd_session *pd, struct msg *m)
{
    struct dataspace *old = find(m), *new;
    if (!old)
        return ENOTFOUND;
    error_t error = dataspace_is_ram(old) ? dataspace_create_ram(old->count, &new) : ENOTFOUND;
    if (error)
        goto put;
    if (!disown(pd, old)) {
        dataspace_destroy(new);
        error = ENOTFOUND;
        goto put;
    }
    dataspace_destroy(old);
    memcpy(physical_address(new->page), physical_address(old->page), old->count * PAGE_SIZE);
    new->owner = pd;
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_item(m, named_item(&new->named, 0));
    mutex_lock(&pd->lock); // the last thing, as in alloc
    list_push_back(&pd->dataspaces, &new->in_owner);
    mutex_unlock(&pd->lock);
put:
    dataspace_put(old);
    return error;
}

static error_t info(const struct server_session *session, struct msg *m)
{
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, session->used.ram);
    msg_put_word(m, session->limit.ram);
    msg_put_word(m, session->high.ram);
    msg_put_word(m, session->used.caps);
    msg_put_word(m, session->limit.caps);
    msg_put_word(m, session->high.caps);
    return SUCCESS;
}

static error_t phys(struct msg *m)
{
    struct dataspace *ds = find(m);
    if (!ds)
        return ENOTFOUND;
    u64 page = ds->page, count = ds->count;
    bool managed = ds->map;
    dataspace_put(ds);
    if (managed)
        return EFEATURE;
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, page * PAGE_SIZE);
    msg_put_word(m, count * PAGE_SIZE);
    return SUCCESS;
}

static struct pd_session *session_find(struct server_session *session, crd_t name)
{
    LIST_FOREACH (node, &sessions) {
        struct pd_session *pd = LIST_ENTRY(node, struct pd_session, link);
        if (server_session_is(pd->session, name) && pd->session != session)
            return pd;
    }
    return NULL;
}

static error_t set_reference(struct pd_session *pd, struct msg *m)
{
    crd_t name = msg_get_item(m).crd;
    error_t error = SUCCESS;
    mutex_lock(&sessions_lock);
    struct pd_session *reference = session_find(pd->session, name);
    if (!reference)
        error = ENOTFOUND;
    else if (pd->reference)
        error = EINUSE;
    for (const struct pd_session *r = reference; r && !error; r = r->reference)
        error = r == pd ? EDEADLOCK : SUCCESS;
    if (!error) {
        pd->reference = reference;
        list_push_back(&reference->dependents, &pd->in_reference);
    }
    mutex_unlock(&sessions_lock);
    return error ? error : server_done(m);
}

// Moves what is unused in `from`. Under sessions_lock.
static error_t move(struct pd_session *from, struct pd_session *to, struct server_cost cost)
{
    error_t error = server_charge_cost(from->session, cost);
    if (error) {
        // No donation would help: it is the other's account, or what came is in use.
        from->session->missing = (struct server_cost){0, 0};
        return error;
    }
    server_move_limit(from->session, to->session, cost);
    server_uncharge_cost(from->session, cost);
    return SUCCESS;
}

static error_t transfer_under_lock(struct pd_session *pd, struct server_cost cost, bool back)
{
    struct pd_session *reference = pd->reference;
    if (!reference)
        return ENOTFOUND;
    if (back && (cost.ram > pd->borrowed.ram || cost.caps > pd->borrowed.caps))
        return ERESOURCE; // what was donated with the session is its client's
    error_t error = back ? move(pd, reference, cost) : move(reference, pd, cost);
    if (error)
        return error;
    pd->borrowed.ram += back ? -cost.ram : cost.ram;
    pd->borrowed.caps += back ? -cost.caps : cost.caps;
    return SUCCESS;
}

static error_t transfer(struct pd_session *pd, struct msg *m)
{
    struct server_cost cost = {msg_get_word(m), 0};
    word_t back = msg_get_word(m);
    if (!msg_error(m) && m->next_word < m->in_words)
        cost.caps = msg_get_word(m);
    if (msg_error(m) || back > 1)
        return EPROTO;
    mutex_lock(&sessions_lock);
    error_t error = transfer_under_lock(pd, cost, back);
    mutex_unlock(&sessions_lock);
    if (error)
        return error;
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, pd->session->limit.ram);
    msg_put_word(m, pd->session->limit.caps);
    return SUCCESS;
}

static error_t create_domain(struct server_session *session, struct server_cpu *cpu, struct msg *m)
{
    struct pd_session *pd = session->user;
    u64 kmem = msg_get_word(m), caps = msg_get_word(m);
    sel_t account = SEL_NONE;
    struct domain *d;
    if (m->next_item < m->in_items &&
        (account = server_take_item(cpu, msg_get_item(m))) == SEL_NONE)
        return EPROTO;
    error_t error = msg_error(m) ? EPROTO : domain_create(session, account, kmem, caps, &d);
    // What the session has paid for out of our own account may not be traded away.
    unsigned rights = PD_CREATE | PD_GRANT | (account == SEL_NONE ? 0 : PD_ACCOUNT);
    selector_drop(account);
    if (error)
        return error;
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_item(m, named_item(&d->named, 0));
    msg_put_item(m, item_delegate(crd(CRD_OBJ, d->pd, 0, rights), 1, 0));
    msg_put_item(m, named_item(&d->space->named, 2));
    msg_put_item(m, named_item(&d->stack->named, 3));
    msg_put_item(m, named_item(&d->linker->named, 4));
    mutex_lock(&pd->lock); // the last thing, as in alloc
    list_push_back(&pd->domains, &d->in_session);
    mutex_unlock(&pd->lock);
    return SUCCESS;
}

static error_t destroy_domain(struct pd_session *pd, struct msg *m)
{
    struct domain *d = domain_find(msg_get_item(m));
    if (!d)
        return ENOTFOUND;
    mutex_lock(&pd->lock);
    bool ours = d->payer == pd->session && !list_empty(&d->in_session);
    if (ours)
        list_remove(&d->in_session);
    mutex_unlock(&pd->lock);
    if (ours)
        domain_destroy(d);
    domain_put(d);
    return ours ? server_done(m) : EPERM;
}

static error_t assign_parent(struct pd_session *pd, struct server_cpu *handler, struct msg *m)
{
    word_t cpu = msg_get_word(m);
    struct domain *d = domain_find(msg_get_item(m));
    sel_t portal = server_take_item(handler, msg_get_item(m));
    error_t error = !d ? ENOTFOUND : d->payer != pd->session ? EPERM : SUCCESS;
    if (!error && (msg_error(m) || portal == SEL_NONE || cpu >= MAX_CPUS))
        error = EPROTO;
    // What is delegated hangs below what came: that stays, as long as the domain lives.
    if (!error)
        error = domain_keep(d, &d->parent[cpu], portal, NULL);
    if (!error) {
        error = range_delegate(d->pd, CRD_OBJ, portal, SEL_PARENT + (sel_t)cpu, 1, PT_CALL);
        if (error) // the domain's end may have dropped it
            portal = domain_release(d, &d->parent[cpu]);
    }
    if (error)
        selector_drop(portal);
    if (d)
        domain_put(d);
    return error ? error : server_done(m);
}

static error_t recall_threads(const struct pd_session *pd, struct msg *m)
{
    struct domain *d = domain_find(msg_get_item(m));
    if (!d)
        return ENOTFOUND;
    bool ours = d->payer == pd->session;
    if (ours)
        domain_recall_threads(d);
    domain_put(d);
    return ours ? server_done(m) : EPERM;
}

// Who holds a domain's capability can have a thread of its own do the same there.
static error_t read_memory(struct msg *m)
{
    u8 data[PD_MEMORY_MAX];
    u64 address = msg_get_word(m), bytes = msg_get_word(m);
    struct domain *d = domain_find(msg_get_item(m));
    if (!d)
        return ENOTFOUND;
    bytes = bytes < sizeof(data) ? bytes : sizeof(data);
    error_t error = msg_error(m) ? EPROTO : region_map_copy(d->space, address, data, &bytes, false);
    domain_put(d);
    if (error)
        return error;
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_bytes(m, data, bytes);
    return SUCCESS;
}

static error_t write_memory(struct msg *m)
{
    u8 data[PD_MEMORY_MAX];
    u64 address = msg_get_word(m), bytes = msg_get_bytes(m, data, sizeof(data));
    struct domain *d = domain_find(msg_get_item(m));
    if (!d)
        return ENOTFOUND;
    error_t error = msg_error(m) ? EPROTO : region_map_copy(d->space, address, data, &bytes, true);
    domain_put(d);
    if (error)
        return error;
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, bytes);
    return SUCCESS;
}

// Takes away all that the session has made.
static void empty(struct pd_session *pd)
{
    for (;;) {
        mutex_lock(&pd->lock);
        struct list *domain = list_pop_front(&pd->domains);
        struct list *ds = domain ? NULL : list_pop_front(&pd->dataspaces);
        mutex_unlock(&pd->lock);
        if (domain)
            domain_destroy(LIST_ENTRY(domain, struct domain, in_session));
        else if (ds)
            destroy(pd, LIST_ENTRY(ds, struct dataspace, in_owner));
        else
            break;
    }
    rm_owner_clear(&pd->maps);
}

static bool overdrawn(const struct pd_session *pd)
{
    const struct server_session *s = pd->session;
    return s->used.ram > s->limit.ram || s->used.caps > s->limit.caps;
}

// The reference account ended while a request was under way, before what that has made was in a
// list: it has not been paid for. The lists' locks order the two: who has not seen the other's
// entry is seen to have lowered the limit. While quota is moved a session looks overdrawn for a
// moment.
static __attribute__((noinline)) void end_overdrawn(struct pd_session *pd)
{
    mutex_lock(&sessions_lock);
    if (overdrawn(pd))
        empty(pd);
    mutex_unlock(&sessions_lock);
}

static error_t operate(struct server_session *session, struct server_cpu *cpu, word_t operation,
                       struct msg *m)
{
    struct pd_session *pd = session->user;
    switch (operation) {
    case RM_CREATE: return rm_operation(session, &pd->maps, cpu, operation, m);
    case PD_SERVICE_ALLOC: return alloc(session, m);
    case PD_SERVICE_ATTACH: return attach(m);
    case PD_SERVICE_FREE: return free_one(pd, m);
    case PD_SERVICE_INFO: return info(session, m);
    case PD_SERVICE_PHYS: return phys(m);
    case PD_SERVICE_RENEW: return renew(pd, m);
    case PD_SERVICE_REFERENCE: return set_reference(pd, m);
    case PD_SERVICE_TRANSFER: return transfer(pd, m);
    case PD_SERVICE_DOMAIN: return create_domain(session, cpu, m);
    case PD_SERVICE_DESTROY_DOMAIN: return destroy_domain(pd, m);
    case PD_SERVICE_ASSIGN_PARENT: return assign_parent(pd, cpu, m);
    case PD_SERVICE_RECALL_THREADS: return recall_threads(pd, m);
    case PD_SERVICE_READ_MEMORY: return read_memory(m);
    case PD_SERVICE_WRITE_MEMORY: return write_memory(m);
    default: return EPROTO;
    }
}

static error_t pd_dispatch(struct server_session *session, struct server_cpu *cpu, word_t operation,
                           struct msg *m)
{
    struct pd_session *pd = session->user;
    dataspace_hold(&held[thread_cpu()], NULL);
    if (operation > RM_CREATE) // makes nothing that stands in a list of ours
        return rm_operation(session, &pd->maps, cpu, operation, m);
    error_t error = operate(session, cpu, operation, m);
    if (UNLIKELY(overdrawn(pd)))
        end_overdrawn(pd);
    return error;
}

static error_t pd_open(struct server_session *session, const char *label, const char *args)
{
    (void)label;
    if (*args)
        return EPROTO;
    struct pd_session *pd = heap_zalloc(sizeof(*pd));
    if (!pd)
        return EMEM;
    list_init(&pd->dataspaces);
    list_init(&pd->domains);
    list_init(&pd->dependents);
    list_init(&pd->in_reference);
    rm_owner_init(&pd->maps);
    pd->lock = (struct mutex)MUTEX_INIT;
    pd->session = session;
    session->user = pd;
    mutex_lock(&sessions_lock);
    list_push_back(&sessions, &pd->link);
    mutex_unlock(&sessions_lock);
    return SUCCESS;
}

// What a session has from its reference account goes back there, and what the session made goes:
// first the limit falls, so that nothing new is made meanwhile. A request under way ends what it
// makes by itself (end_overdrawn): it may be one of a thread that comes to run no more as long as
// we do. Under sessions_lock.
static void give_back(struct pd_session *pd)
{
    if (pd->reference)
        server_move_limit(pd->session, pd->reference->session, pd->borrowed);
    empty(pd);
    pd->reference = NULL;
    pd->borrowed = (struct server_cost){0, 0};
    list_remove(&pd->in_reference);
}

static void pd_close(struct server_session *session)
{
    struct pd_session *pd = session->user;
    mutex_lock(&sessions_lock);
    while (!list_empty(&pd->dependents))
        give_back(LIST_ENTRY(pd->dependents.next, struct pd_session, in_reference));
    give_back(pd);
    list_remove(&pd->link);
    mutex_unlock(&sessions_lock);
    rm_owner_end(&pd->maps);
    semaphore_destroy(&pd->lock.semaphore);
    heap_free(pd);
    if (option_is("trace", "locks"))
        print("sigma0: %lu times a lock was waited for\n",
              __atomic_load_n(&rt_mutex_waits, __ATOMIC_RELAXED));
}

const struct server_ops pd_ops = {.open = pd_open, .close = pd_close, .dispatch = pd_dispatch};
