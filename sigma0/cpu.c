// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// CPU, the admission service: the only giver of scheduling contexts, and statistics by name
// (protocol.h, CPU_OPERATIONS; 001_5c4c3d5892c9ef36.txt). A session's end takes its scheduling
// contexts back.
//
// Sessions with a budget share it with all others of the same pool: each of the pool's scheduling
// contexts has an equal part, which is set anew whenever one comes or goes. So however many threads
// a client makes, on however many CPUs, together they never run longer.
#include "lib/rt/heap.h"
#include "lib/rt/selector.h"
#include "lib/rt/string.h"
#include "lib/rt/print.h"
#include "sigma0/cpu.h"
#include "sigma0/services.h"

enum { POOL_NAME_SIZE = 64, PRIORITY_DEFAULT_MAX = 128, ENTRIES_MAX = 16 };
enum { SHARE_MIN_US = 20 }; // less would only be switching

struct pool {
    struct list link;
    u32 budget_us, period_us;
    u32 sessions, threads;
    char name[POOL_NAME_SIZE];
};

struct entry {
    struct list link;
    struct cpu_session *owner; // NULL: sigma0's own
    sel_t sc;
    unsigned cpu, priority;
    unsigned asked;           // priority, before it was cut to the session's
    u32 budget_us, period_us; // as asked for
    struct server_cost cost;  // charged to the owner
    char name[CPU_NAME_SIZE];
};

static struct mutex lock = MUTEX_INIT; // guards entries, pools and sessions
static struct list entries = LIST_INIT(entries), pools = LIST_INIT(pools),
                   sessions = LIST_INIT(sessions);

static struct entry *entry_new(struct cpu_session *owner, const char *name, unsigned priority)
{
    struct entry *e = heap_zalloc(sizeof(*e));
    if (!e)
        return NULL;
    e->owner = owner;
    e->priority = priority;
    if (owner && *name)
        text_format(e->name, sizeof(e->name), "%s -> %s", owner->label, name);
    else
        strlcpy(e->name, owner ? owner->label : name, sizeof(e->name));
    return e;
}

void cpu_enter(sel_t sc, const char *name, unsigned cpu, unsigned priority)
{
    struct entry *e = entry_new(NULL, name, priority);
    if (!e)
        return;
    e->sc = sc;
    e->cpu = cpu;
    mutex_lock(&lock);
    list_push_back(&entries, &e->link);
    mutex_unlock(&lock);
}

// What an entry gets: what it asked for, but not more than its part of the pool's budget.
static void share_of(const struct entry *e, u32 *budget_us, u32 *period_us)
{
    const struct pool *pool = e->owner->pool;
    *budget_us = e->budget_us;
    *period_us = e->period_us;
    if (!pool)
        return;
    u64 part = pool->budget_us / pool->threads;
    if (e->budget_us && (u64)e->budget_us * pool->period_us <= part * e->period_us)
        return;
    *budget_us = (u32)part;
    *period_us = pool->period_us;
}

static void pool_share(const struct pool *pool)
{
    if (!pool)
        return;
    LIST_FOREACH (node, &entries) {
        const struct entry *e = LIST_ENTRY(node, struct entry, link);
        u32 budget, period;
        if (!e->owner || e->owner->pool != pool)
            continue;
        share_of(e, &budget, &period);
        (void)!hc_sc_budget(e->sc, budget, period);
    }
}

static unsigned cut(unsigned priority, unsigned most)
{
    return priority < most ? priority : most;
}

// Under the lock: what an entry asked for, as far as its session allows.
static void prioritize(struct entry *e)
{
    unsigned priority = cut(e->asked, e->owner->priority_max);
    if (priority != e->priority && !hc_sc_priority(e->sc, priority))
        e->priority = priority;
}

error_t cpu_priority(struct cpu_session *session, u64 sc, unsigned priority)
{
    error_t error = ENOTFOUND;
    mutex_lock(&lock);
    LIST_FOREACH (node, &entries) {
        struct entry *e = LIST_ENTRY(node, struct entry, link);
        if (e->owner != session || e->sc != sc)
            continue;
        e->asked = priority;
        prioritize(e);
        error = SUCCESS;
    }
    mutex_unlock(&lock);
    return error;
}

// Under the lock: the EC's scheduling context and its entry.
static error_t admit(struct entry *e, sel_t ec, u32 quantum_us)
{
    struct pool *pool = e->owner->pool;
    u32 budget, period;
    u64 cpu;
    error_t error = hc_ec_cpu(ec, &cpu);
    if (error)
        return error;
    if (!(e->owner->cpus >> cpu & 1))
        return ECPU;
    if (pool && pool->budget_us / (pool->threads + 1) < SHARE_MIN_US)
        return ERESOURCE;
    e->cpu = (unsigned)cpu;
    e->priority = cut(e->asked, e->owner->priority_max);
    if (pool)
        pool->threads++;
    share_of(e, &budget, &period);
    error = hc_create_sc(e->sc, ec, SEL_PD, e->priority, quantum_us, budget, period);
    if (error) {
        if (pool)
            pool->threads--;
        return error;
    }
    list_push_back(&entries, &e->link);
    pool_share(pool);
    return SUCCESS;
}

error_t cpu_admit(struct cpu_session *session, sel_t ec, const struct cpu_request *q, sel_t *sc)
{
    struct entry *e = entry_new(session, q->name, q->priority);
    if (!e)
        return EMEM;
    e->asked = q->priority;
    e->budget_us = q->budget_us;
    e->period_us = q->period_us;
    e->cost = q->cost;
    e->sc = selector_alloc();
    if (e->sc == SEL_NONE) {
        heap_free(e);
        return ERESOURCE;
    }
    mutex_lock(&lock);
    error_t error = admit(e, ec, q->quantum_us);
    mutex_unlock(&lock);
    if (error) {
        selector_free(e->sc);
        heap_free(e);
        return error;
    }
    *sc = e->sc;
    return SUCCESS;
}

// *ec is SEL_NONE afterwards if it was taken over.
static error_t create_paid(struct cpu_session *session, sel_t *ec, unsigned rights,
                           const struct cpu_request *q, sel_t *sc)
{
    error_t error = server_charge_cost(session->session, q->cost);
    if (error)
        return error;
    if (rights & EC_CTRL) { // a thread that its supervisor can look into
        error = thread_adopt(session, *ec, q, sc);
        *ec = SEL_NONE;
    } else {
        error = cpu_admit(session, *ec, q, sc);
    }
    if (error)
        server_uncharge_cost(session->session, q->cost);
    return error;
}

static error_t create(struct cpu_session *session, struct server_cpu *cpu, struct msg *m)
{
    word_t priority = msg_get_word(m), quantum = msg_get_word(m), budget = msg_get_word(m),
           period = msg_get_word(m);
    struct cpu_request q;
    sel_t sc;
    msg_get_string(m, q.name, sizeof(q.name));
    struct typed_item item = msg_get_item(m);
    sel_t ec = server_take_item(cpu, item);
    if (ec == SEL_NONE)
        return EPROTO;
    error_t error = EPROTO;
    q.main = priority & CPU_MAIN;
    priority &= ~(word_t)CPU_MAIN;
    if (!msg_error(m) && priority && !((priority | quantum | budget | period) >> 32) &&
        budget <= period) {
        q.priority = (u32)priority;
        q.quantum_us = (u32)quantum;
        q.budget_us = (u32)budget;
        q.period_us = (u32)period;
        q.cost = (struct server_cost){CPU_SC_COST, CPU_SC_CAPS};
        error = create_paid(session, &ec, crd_rights(item.crd), &q, &sc);
    }
    selector_drop(ec);
    if (error)
        return error;
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_item(m, item_delegate(crd(CRD_OBJ, sc, 0, SC_CTRL), 0, 0));
    return SUCCESS;
}

// Takes back the scheduling context `sc` of the session, or any of its own if `sc` is SEL_NONE.
// False if there is none.
bool cpu_take_back(struct cpu_session *session, u64 sc)
{
    struct entry *found = NULL;
    mutex_lock(&lock);
    LIST_FOREACH (node, &entries) {
        struct entry *e = LIST_ENTRY(node, struct entry, link);
        if (!found && e->owner == session && (sc == SEL_NONE || e->sc == sc)) {
            list_remove(node);
            found = e;
        }
    }
    if (found) {
        server_uncharge_cost(session->session, found->cost);
        server_withdraw(session->session->server, CRD_OBJ, found->sc, 1);
        selector_drop(found->sc);
        if (session->pool && --session->pool->threads)
            pool_share(session->pool);
    }
    mutex_unlock(&lock);
    bool any = found;
    heap_free(found);
    return any;
}

static error_t destroy(struct cpu_session *session, struct msg *m)
{
    crd_t c = msg_get_item(m).crd;
    if (crd_kind(c) != CRD_OBJ || !cpu_take_back(session, crd_base(c)))
        return ENOTFOUND;
    thread_forget(session, (sel_t)crd_base(c));
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    return SUCCESS;
}

static error_t info(const struct cpu_session *session, struct msg *m)
{
    const struct pool *pool = session->pool;
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, session->priority_max);
    msg_put_word(m, session->cpus);
    mutex_lock(&lock);
    msg_put_word(m, pool ? pool->budget_us : 0);
    msg_put_word(m, pool ? pool->period_us : 0);
    msg_put_word(m, pool ? pool->threads : 0);
    mutex_unlock(&lock);
    return SUCCESS;
}

// Under the lock.
static void limit_session(struct cpu_session *s)
{
    s->priority_max = cut(s->priority_own, s->priority_above);
    LIST_FOREACH (node, &entries) {
        struct entry *e = LIST_ENTRY(node, struct entry, link);
        if (e->owner == s)
            prioritize(e);
    }
}

// The parent that has opened sessions in its children's names tells them by their labels.
static error_t limit(const struct cpu_session *session, struct msg *m)
{
    char label[SERVICE_LABEL_MAX], path[SERVICE_LABEL_MAX];
    word_t own = msg_get_word(m), above = msg_get_word(m), found = 0;
    msg_get_string(m, label, sizeof(label));
    if (msg_error(m) || !*label || own > PRIORITY_MAX || above > PRIORITY_MAX)
        return EPROTO;
    size_t length = text_format(path, sizeof(path), "%s -> %s", session->label, label);
    mutex_lock(&lock);
    LIST_FOREACH (node, &sessions) {
        struct cpu_session *s = LIST_ENTRY(node, struct cpu_session, link);
        if (length >= sizeof(path) || strcmp(s->label, path) != 0)
            continue;
        if (own)
            s->priority_own = cut((unsigned)own, session->priority_max);
        if (above)
            s->priority_above = cut((unsigned)above, session->priority_max);
        limit_session(s);
        found++;
    }
    mutex_unlock(&lock);
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, found);
    return SUCCESS;
}

static error_t statistics(struct cpu_session *session, struct msg *m)
{
    u64 first = msg_get_word(m), total = 0, here = 0;
    if (msg_error(m))
        return EPROTO;
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, 0);
    msg_put_word(m, 0);
    mutex_lock(&lock);
    LIST_FOREACH (node, &entries) {
        struct entry *e = LIST_ENTRY(node, struct entry, link);
        u64 ticks = 0;
        if (!session->all && e->owner != session)
            continue;
        if (total++ < first || here == ENTRIES_MAX)
            continue;
        if (hc_sc_time(e->sc, &ticks))
            ticks = 0;
        msg_put_word(m, ticks);
        msg_put_word(m, e->cpu | (u64)e->priority << 32);
        msg_put_string(m, e->name);
        here++;
    }
    mutex_unlock(&lock);
    m->utcb->words[1] = total;
    m->utcb->words[2] = here;
    return SUCCESS;
}

static error_t cpu_dispatch(struct server_session *session, struct server_cpu *cpu,
                            word_t operation, struct msg *m)
{
    if (operation == CPU_LIMIT)
        return limit(session->user, m);
    if (operation >= CPU_CREATE_THREAD)
        return thread_dispatch(session->user, cpu, operation, m);
    switch (operation) {
    case CPU_CREATE_SC: return create(session->user, cpu, m);
    case CPU_DESTROY_SC: return destroy(session->user, m);
    case CPU_STATISTICS: return statistics(session->user, m);
    case CPU_INFO: return info(session->user, m);
    default: return EPROTO;
    }
}

static error_t pool_join(struct cpu_session *session, const char *name, u32 budget_us,
                         u32 period_us)
{
    struct pool *fresh = heap_zalloc(sizeof(*fresh)), *pool = fresh;
    if (!fresh)
        return EMEM;
    mutex_lock(&lock);
    LIST_FOREACH (node, &pools) {
        struct pool *p = LIST_ENTRY(node, struct pool, link);
        if (!strcmp(p->name, name))
            pool = p;
    }
    if (pool == fresh) {
        strlcpy(pool->name, name, sizeof(pool->name));
        list_push_back(&pools, &pool->link);
        fresh = NULL;
    }
    pool->budget_us = budget_us;
    pool->period_us = period_us;
    pool->sessions++;
    session->pool = pool;
    if (pool->threads)
        pool_share(pool);
    mutex_unlock(&lock);
    heap_free(fresh);
    return SUCCESS;
}

// A session's arguments (protocol.h, CPU_OPERATIONS).
static error_t read_args(struct cpu_session *session, const char *args)
{
    u64 priority, budget = 0, period = 0;
    char pool[POOL_NAME_SIZE] = "";
    session->cpus = ~0ul;
    session->priority_max = PRIORITY_DEFAULT_MAX;
    if (args_numbers(args, &priority, 1, &args) && priority && priority <= PRIORITY_MAX)
        session->priority_max = (unsigned)priority;
    while (*args) {
        const char *next = strchr(args, ',');
        size_t length = next ? (size_t)(next - args) : strlen(args);
        if (length == 3 && !strncmp(args, "all", 3))
            session->all = true;
        else if (!strncmp(args, "pool=", 5) && length - 5 < sizeof(pool))
            strlcpy(pool, args + 5, length - 5 + 1);
        else if (!args_value(args, "cpus=", &session->cpus) &&
                 !args_value(args, "budget=", &budget) && !args_value(args, "period=", &period))
            return EPROTO;
        args += length + (next != NULL);
    }
    if (!budget && !period)
        return SUCCESS;
    if (budget < SHARE_MIN_US || budget > period || period > ~0u)
        return EPARAM;
    return pool_join(session, *pool ? pool : session->label, (u32)budget, (u32)period);
}

static error_t cpu_open(struct server_session *session, const char *label, const char *args)
{
    struct cpu_session *cpu = heap_zalloc(sizeof(*cpu));
    if (!cpu)
        return EMEM;
    strlcpy(cpu->label, label, sizeof(cpu->label));
    list_init(&cpu->threads);
    cpu->lock = (struct mutex)MUTEX_INIT;
    cpu->session = session;
    error_t error = read_args(cpu, args);
    if (error) {
        heap_free(cpu);
        return error;
    }
    session->user = cpu;
    cpu->priority_own = cpu->priority_max;
    cpu->priority_above = PRIORITY_MAX;
    mutex_lock(&lock);
    list_push_back(&sessions, &cpu->link);
    mutex_unlock(&lock);
    return SUCCESS;
}

static void cpu_close(struct server_session *session)
{
    struct cpu_session *cpu = session->user;
    struct pool *pool = cpu->pool;
    threads_close(cpu);
    while (cpu_take_back(cpu, SEL_NONE)) {
    }
    mutex_lock(&lock);
    list_remove(&cpu->link);
    if (pool && --pool->sessions == 0)
        list_remove(&pool->link);
    else
        pool = NULL;
    mutex_unlock(&lock);
    heap_free(pool);
    semaphore_destroy(&cpu->lock.semaphore);
    heap_free(cpu);
}

const struct server_ops cpu_ops = {.open = cpu_open, .close = cpu_close, .dispatch = cpu_dispatch};
