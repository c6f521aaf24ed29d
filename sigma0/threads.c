// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Threads by way of the "cpu" service (protocol.h, CPU_OPERATIONS; 002_8bbc1eeec7f51661.txt,
// Processing-time allocation): made in a domain or admitted, started, killed, listed; and what
// stopped them. Pausing them and looking into them: thread_state.c.
#include "lib/rt/heap.h"
#include "lib/rt/selector.h"
#include "lib/rt/start.h"
#include "lib/rt/string.h"
#include "sigma0/cpu.h"
#include "sigma0/subjects.h"

static void release(struct named *named)
{
    struct subject *s = CONTAINER_OF(named, struct subject, named);
    if (s->signal != SEL_NONE)
        selector_drop(domain_release(s->domain, &s->signal));
    if (s->domain)
        domain_put(s->domain);
    if (s->ec != SEL_NONE)
        selector_free(s->ec);
    heap_free(s);
}

struct subject *subject_find(struct typed_item name)
{
    struct named *named = named_find(name, NAMED_THREAD);
    return named ? CONTAINER_OF(named, struct subject, named) : NULL;
}

// A thread without a domain yet, whose EC stands at `ec`, which is the thread's from now on but if
// this fails; its tag is its name. Another CPU may end it as soon as it is in a list: *out has a
// reference of its own.
static error_t subject_new(struct cpu_session *session, sel_t ec, const char *name, bool main,
                           struct subject **out)
{
    struct subject *s = heap_zalloc(sizeof(*s));
    if (!s)
        return EMEM;
    s->ec = s->wait.ec = ec;
    s->sc = s->signal = SEL_NONE;
    list_init(&s->in_domain);
    list_init(&s->in_events);
    list_init(&s->in_all);
    list_init(&s->wait.link);
    strlcpy(s->name, name, sizeof(s->name));
    error_t error = named_create(&s->named, NAMED_THREAD, release);
    if (error) {
        heap_free(s);
        return error;
    }
    error = hc_ec_tag(ec, named_word(&s->named));
    if (error) {
        s->ec = SEL_NONE;
        if (named_withdraw(&s->named))
            named_put(&s->named);
        return error;
    }
    named_get(&s->named);
    s->session = session;
    s->main = main;
    subject_list(s);
    mutex_lock(&session->lock);
    list_push_back(&session->threads, &s->in_session);
    mutex_unlock(&session->lock);
    *out = s;
    return SUCCESS;
}

// Ends what hangs on a thread that is in no session's list any more: `s` is the maker's reference.
// Its selector is free with the last one, so that who found it before names nothing else by it.
static void subject_end(struct cpu_session *session, struct subject *s)
{
    if (!named_withdraw(&s->named))
        return;
    subject_unlist(s);
    trace_subject_ends(s);
    fault_wait_cancel(&s->wait);
    __atomic_thread_fence(__ATOMIC_SEQ_CST); // domain_enter
    struct domain *d = s->domain;
    if (d) {
        mutex_lock(&d->lock);
        list_remove(&s->in_domain);
        list_remove(&s->in_events);
        if (s->payer)
            server_uncharge_cost(s->payer, s->cost);
        s->payer = NULL;
        mutex_unlock(&d->lock);
    }
    if (s->sc != SEL_NONE)
        (void)cpu_take_back(session, s->sc);
    hc_drop(s->ec);
    subject_put(s);
}

// A thread that its domain's program has made: where it is, and in the list of what its supervisor
// sees, if that domain was made here.
static void settle_in(struct subject *s)
{
    struct domain *d = domain_of_thread(s->ec);
    u64 cpu = 0;
    s->started = s->begun = true;
    if (!hc_ec_cpu(s->ec, &cpu))
        s->cpu = (unsigned)cpu;
    if (!d)
        return;
    mutex_lock(&d->lock);
    domain_enter(d, s);
    mutex_unlock(&d->lock);
    domain_put(d);
}

error_t thread_adopt(struct cpu_session *session, sel_t ec, const struct cpu_request *q, sel_t *sc)
{
    struct subject *s;
    error_t error = subject_new(session, ec, q->name, q->main, &s);
    if (error) {
        selector_drop(ec);
        return error;
    }
    s->priority = q->priority;
    settle_in(s);
    error = cpu_admit(session, ec, q, sc); // from here on it runs, and may fault at once
    mutex_lock(&session->lock);
    if (error)
        list_remove(&s->in_session);
    else if (!list_empty(&s->in_session)) // else killed already: DESTROY_SC is its client's
        s->sc = *sc;
    mutex_unlock(&session->lock);
    if (error)
        subject_end(session, s);
    subject_put(s);
    return error;
}

// A handler that is gone, out of the session's list; NULL: there is none.
static struct subject *dead_handler(struct cpu_session *session)
{
    struct subject *found = NULL;
    u64 cpu;
    mutex_lock(&session->lock);
    LIST_FOREACH (node, &session->threads) {
        struct subject *s = LIST_ENTRY(node, struct subject, in_session);
        if (!found && s->handler && hc_ec_cpu(s->ec, &cpu)) {
            list_remove(node);
            found = s;
        }
    }
    mutex_unlock(&session->lock);
    return found;
}

error_t thread_adopt_handler(struct cpu_session *session, sel_t ec, const char *name)
{
    struct server_cost cost = {CPU_SC_COST, CPU_SC_CAPS};
    struct subject *s;
    for (; (s = dead_handler(session)); server_uncharge_cost(session->session, cost))
        subject_end(session, s);
    error_t error = server_charge_cost(session->session, cost);
    if (!error) {
        error = subject_new(session, ec, name, false, &s);
        if (!error) {
            s->handler = true;
            settle_in(s);
            subject_put(s);
            return SUCCESS;
        }
        server_uncharge_cost(session->session, cost);
    }
    selector_drop(ec);
    return error;
}

void thread_forget(struct cpu_session *session, sel_t sc)
{
    struct subject *found = NULL;
    mutex_lock(&session->lock);
    LIST_FOREACH (node, &session->threads) {
        struct subject *s = LIST_ENTRY(node, struct subject, in_session);
        if (s->sc == sc && !found) {
            list_remove(node);
            found = s;
        }
    }
    mutex_unlock(&session->lock);
    if (!found)
        return;
    found->sc = SEL_NONE;
    subject_end(session, found);
}

void threads_close(struct cpu_session *session)
{
    for (;;) {
        mutex_lock(&session->lock);
        struct list *node = list_pop_front(&session->threads);
        mutex_unlock(&session->lock);
        if (!node)
            return;
        subject_end(session, LIST_ENTRY(node, struct subject, in_session));
    }
}

// In the domain's lists, paid for by who pays for the domain.
static error_t enroll(struct domain *d, struct subject *s)
{
    mutex_lock(&d->lock);
    s->cost = (struct server_cost){PD_THREAD_COST, PD_THREAD_CAPS};
    error_t error = d->gone ? ENOTFOUND : server_charge_cost(d->payer, s->cost);
    if (!error) {
        s->payer = d->payer;
        domain_enter(d, s);
    }
    mutex_unlock(&d->lock);
    return error;
}

static error_t create_in(struct cpu_session *session, struct domain *d, unsigned cpu,
                         unsigned priority, word_t utcb, const char *name, struct subject **out)
{
    struct subject *s;
    sel_t ec = selector_alloc();
    if (ec == SEL_NONE)
        return ERESOURCE;
    error_t error = hc_create_ec(ec, utcb, 0, cpu, EC_GLOBAL, SEL_EXC_CPU + EXC_COUNT * cpu, d->pd);
    if (error) {
        selector_free(ec);
        return error;
    }
    error = subject_new(session, ec, name, false, &s);
    if (error) {
        selector_drop(ec);
        return error;
    }
    s->cpu = cpu;
    s->priority = priority;
    error = enroll(d, s);
    if (error) {
        mutex_lock(&session->lock);
        list_remove(&s->in_session);
        mutex_unlock(&session->lock);
        subject_end(session, s);
        subject_put(s);
        return error;
    }
    *out = s;
    return SUCCESS;
}

static error_t create_thread(struct cpu_session *session, struct msg *m)
{
    word_t cpu = msg_get_word(m), priority = msg_get_word(m), utcb = msg_get_word(m);
    char name[CPU_NAME_SIZE];
    struct subject *s;
    msg_get_string(m, name, sizeof(name));
    struct typed_item named = msg_get_item(m);
    if (msg_error(m) || !priority || priority > PRIORITY_MAX)
        return EPROTO;
    if (cpu >= hip()->cpu_count || !(session->cpus >> cpu & 1))
        return ECPU;
    struct domain *d = domain_find(named);
    if (!d)
        return ENOTFOUND;
    error_t error = create_in(session, d, (unsigned)cpu, (unsigned)priority, utcb, name, &s);
    domain_put(d);
    if (error)
        return error;
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_item(m, named_item(&s->named, 0));
    subject_put(s);
    return SUCCESS;
}

static error_t start(struct cpu_session *session, struct subject *s, struct msg *m)
{
    word_t ip = msg_get_word(m), sp = msg_get_word(m), argument = msg_get_word(m);
    struct cpu_request q = {.priority = s->priority};
    if (msg_error(m))
        return EPROTO;
    if (ip >= USER_END || sp > USER_END)
        return EPARAM;
    if (__atomic_exchange_n(&s->started, true, __ATOMIC_ACQ_REL))
        return EINUSE;
    s->ip = ip;
    s->sp = sp;
    s->argument = argument;
    strlcpy(q.name, s->name, sizeof(q.name));
    sel_t sc;
    error_t error = cpu_admit(session, s->ec, &q, &sc);
    if (error) {
        s->started = false;
        return error;
    }
    mutex_lock(&s->domain->lock);
    bool alive = !list_empty(&s->in_domain);
    if (alive)
        __atomic_store_n(&s->sc, sc, __ATOMIC_SEQ_CST);
    mutex_unlock(&s->domain->lock);
    if (!alive) { // killed meanwhile, or its domain was
        (void)cpu_take_back(session, sc);
        return ENOTFOUND;
    }
    unsigned priority = __atomic_load_n(&s->priority, __ATOMIC_SEQ_CST);
    if (UNLIKELY(priority != q.priority)) // it was changed meanwhile
        (void)!cpu_priority(session, sc, priority);
    return server_done(m);
}

static error_t kill(struct cpu_session *session, struct subject *s, struct msg *m)
{
    bool ours = false;
    mutex_lock(&session->lock);
    LIST_FOREACH (node, &session->threads) {
        if (LIST_ENTRY(node, struct subject, in_session) == s)
            ours = true;
    }
    if (ours)
        list_remove(&s->in_session);
    mutex_unlock(&session->lock);
    if (!ours)
        return EPERM;
    subject_end(session, s);
    return server_done(m);
}

// Of a thread, started or not, or of a scheduling context that the session has made.
static error_t set_priority(struct cpu_session *session, struct msg *m)
{
    word_t priority = msg_get_word(m);
    struct typed_item item = msg_get_item(m);
    if (msg_error(m) || !priority || priority > PRIORITY_MAX)
        return EPROTO;
    struct subject *s = subject_find(item);
    u64 sc = s ? s->sc : crd_kind(item.crd) == CRD_OBJ ? crd_base(item.crd) : (u64)SEL_NONE;
    error_t error = s && s->session != session ? EPERM : SUCCESS;
    if (!error && s) {
        __atomic_store_n(&s->priority, (unsigned)priority, __ATOMIC_SEQ_CST);
        sc = __atomic_load_n(&s->sc, __ATOMIC_SEQ_CST);
    }
    if (!error && (!s || sc != SEL_NONE))
        error = cpu_priority(session, sc, (unsigned)priority);
    if (s)
        subject_put(s);
    return error ? error : server_done(m);
}

static error_t next_exception(struct msg *m)
{
    struct domain *d = domain_find(msg_get_item(m));
    struct stray stray = {0};
    struct subject *s = NULL;
    if (!d)
        return ENOTFOUND;
    mutex_lock(&d->lock);
    struct list *node = list_pop_front(&d->events);
    if (node) {
        s = LIST_ENTRY(node, struct subject, in_events);
        named_get(&s->named);
        stray = s->exception; // its registers may not have come to rest yet
    } else {
        stray = d->stray;
        d->stray.valid = false;
    }
    mutex_unlock(&d->lock);
    domain_put(d);
    if (!stray.valid)
        return ENOTFOUND;
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    const word_t words[] = {stray.vector, stray.error_code, stray.address, stray.ip,
                            stray.sp,     stray.cpu,        s != NULL};
    for (unsigned i = 0; i < ARRAY_SIZE(words); i++)
        msg_put_word(m, words[i]);
    if (s) {
        msg_put_item(m, named_item(&s->named, 0));
        subject_put(s);
    }
    return SUCCESS;
}

// Nobody tells us of a handler's end.
static bool is_gone(const struct subject *s)
{
    u64 cpu;
    return s->handler && hc_ec_cpu(s->ec, &cpu);
}

// The domain's list is in the order of numbers, but for threads that entered it in the same moment.
static error_t next_thread(struct msg *m)
{
    u64 after = msg_get_word(m);
    struct domain *d = domain_find(msg_get_item(m));
    struct subject *found = NULL;
    if (!d)
        return ENOTFOUND;
    mutex_lock(&d->lock);
    LIST_FOREACH (node, &d->threads) {
        struct subject *s = LIST_ENTRY(node, struct subject, in_domain);
        if (s->number > after && (!found || s->number < found->number) && !is_gone(s))
            found = s;
    }
    if (found)
        named_get(&found->named);
    mutex_unlock(&d->lock);
    domain_put(d);
    if (msg_error(m) || !found) {
        if (found)
            subject_put(found);
        return found ? EPROTO : ENOTFOUND;
    }
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, found->number);
    msg_put_word(m, found->cpu | (u64)found->priority << 32);
    msg_put_word(m, subject_state(found));
    msg_put_string(m, found->name);
    msg_put_item(m, named_item(&found->named, 0));
    subject_put(found);
    return SUCCESS;
}

static error_t set_signal(struct server_cpu *cpu, struct msg *m)
{
    struct typed_item name = msg_get_item(m);
    sel_t signal = server_take_item(cpu, msg_get_item(m)), before;
    struct domain *d = domain_find(name);
    struct subject *s = d ? NULL : subject_find(name);
    struct domain *of = d ? d : s ? s->domain : NULL;
    if (!of || signal == SEL_NONE) {
        selector_drop(signal);
        if (d)
            domain_put(d);
        if (s)
            subject_put(s);
        return of ? EPROTO : ENOTFOUND;
    }
    error_t error = domain_keep(of, d ? &d->signal : &s->signal, signal, &before);
    selector_drop(error ? signal : before);
    if (d)
        domain_put(d);
    else
        subject_put(s);
    return error ? error : server_done(m);
}

static error_t handler(struct cpu_session *session, struct server_cpu *cpu, struct msg *m)
{
    char name[CPU_NAME_SIZE];
    msg_get_string(m, name, sizeof(name));
    struct typed_item item = msg_get_item(m);
    sel_t ec = server_take_item(cpu, item);
    u64 found;
    if (ec == SEL_NONE)
        return EPROTO;
    if (msg_error(m) || !(crd_rights(item.crd) & EC_CTRL) || hc_ec_cpu(ec, &found)) {
        selector_drop(ec);
        return EPROTO;
    }
    error_t error = thread_adopt_handler(session, ec, name);
    return error ? error : server_done(m);
}

static error_t of_thread(struct cpu_session *session, word_t operation, struct subject *s,
                         struct msg *m)
{
    switch (operation) {
    case CPU_START: return start(session, s, m);
    case CPU_KILL: return kill(session, s, m);
    default: return thread_state_dispatch(s, operation, m);
    }
}

error_t thread_dispatch(struct cpu_session *session, struct server_cpu *cpu, word_t operation,
                        struct msg *m)
{
    switch (operation) {
    case CPU_CREATE_THREAD: return create_thread(session, m);
    case CPU_EXCEPTION_SIGNAL: return set_signal(cpu, m);
    case CPU_NEXT_EXCEPTION: return next_exception(m);
    case CPU_PRIORITY: return set_priority(session, m);
    case CPU_HANDLER: return handler(session, cpu, m);
    case CPU_NEXT_THREAD: return next_thread(m);
    default:
        if (operation > CPU_WRITE_FPU)
            return EPROTO;
    }
    struct subject *s = subject_find(msg_get_item(m));
    if (!s)
        return ENOTFOUND;
    error_t error = of_thread(session, operation, s, m);
    subject_put(s);
    return error;
}
