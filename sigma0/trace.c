// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// TRACE (protocol.h, TRACE_OPERATIONS; 002_8bbc1eeec7f51661.txt, Event tracing; doc/trace.md): the
// threads of a session's sub-tree, and the kernel's records of them in the client's memory.
//
// A tracing holds its thread and its dataspace by reference, so that pages which the kernel still
// writes to are never anybody else's. It ends with whichever ends first of thread, dataspace and
// session; who ends it takes it out of all lists under `lock`, after which the kernel has stopped
// on all CPUs, and gives the references back without it.
#include "lib/rt/heap.h"
#include "lib/rt/string.h"
#include "sigma0/services.h"
#include "sigma0/subjects.h"
#include <tessera/trace.h>

enum { ENTRIES_MAX = 16 };

struct trace_session {
    struct server_session *session;
    struct list tracings;
    char label[SERVICE_LABEL_MAX];
};

struct tracing {
    struct list in_session, in_all;
    struct trace_session *owner;
    struct subject *subject;
    struct dataspace *ds;
    word_t address; // of the ring, in our own space
    u64 bytes;
    word_t policy, filter;
    bool paused;
};

static struct mutex lock = MUTEX_INIT; // guards all tracings
static struct list all = LIST_INIT(all);

// Under the lock: the kernel stops, nobody finds it any more.
static void stop(struct tracing *t)
{
    hc_trace_stop(t->address);
    list_remove(&t->in_session);
    list_remove(&t->in_all);
    t->subject->tracing = NULL;
    __atomic_fetch_sub(&t->ds->rings, 1, __ATOMIC_SEQ_CST);
    server_uncharge(t->owner->session, TRACE_COST);
}

// Without the lock: the last reference to a domain or dataspace may go.
static void dispose(struct tracing *t)
{
    dataspace_put(t->ds);
    subject_put(t->subject);
    heap_free(t);
}

void trace_subject_ends(struct subject *subject)
{
    mutex_lock(&lock);
    struct tracing *t = subject->tracing;
    subject->ended = true;
    if (t)
        stop(t);
    mutex_unlock(&lock);
    if (t)
        dispose(t);
}

// The next tracing into a dataspace, stopped, or NULL.
static struct tracing *stop_one_of(const struct dataspace *ds)
{
    struct tracing *found = NULL;
    mutex_lock(&lock);
    LIST_FOREACH (node, &all) {
        struct tracing *t = LIST_ENTRY(node, struct tracing, in_all);
        if (!found && t->ds == ds) {
            found = t;
            stop(t);
        }
    }
    mutex_unlock(&lock);
    return found;
}

void trace_dataspace_ends(struct dataspace *ds)
{
    struct tracing *t;
    while ((t = stop_one_of(ds)))
        dispose(t);
}

static void put_entry(struct trace_session *ts, struct subject *s, const struct subject_view *view,
                      struct msg *m)
{
    mutex_lock(&lock);
    const struct tracing *t = s->tracing;
    enum trace_status status = !t               ? TRACE_STATUS_OFF
                               : t->owner != ts ? TRACE_STATUS_OTHERS
                               : t->paused      ? TRACE_STATUS_PAUSED
                                                : TRACE_STATUS_MINE;
    mutex_unlock(&lock);
    msg_put_word(m, view->id);
    msg_put_word(m, view->cpu | view->priority << 8 | (word_t)view->state << 16 |
                        (word_t)status << 24);
    msg_put_word(m, view->ticks);
    msg_put_string(m, view->label);
    msg_put_string(m, view->name);
}

static error_t subjects(struct trace_session *ts, struct msg *m)
{
    u64 next = msg_get_word(m), here = 0;
    struct subject_view view;
    struct subject *s;
    if (msg_error(m))
        return EPROTO;
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, 0);
    msg_put_word(m, 0);
    while (here < ENTRIES_MAX && (s = subject_next(ts->label, next, &view))) {
        put_entry(ts, s, &view, m);
        subject_put(s);
        next = view.id + 1;
        here++;
    }
    m->utcb->words[1] = here == ENTRIES_MAX ? next : 0;
    m->utcb->words[2] = here;
    return SUCCESS;
}

// The thread with that number, with a reference, if it is the session's to see.
static struct subject *find(const struct trace_session *ts, u64 id, struct subject_view *view)
{
    struct subject *s = subject_next(ts->label, id, view);
    if (s && view->id != id) {
        subject_put(s);
        s = NULL;
    }
    return s;
}

static error_t info(struct trace_session *ts, struct msg *m)
{
    u64 id = msg_get_word(m);
    struct subject_view view;
    if (msg_error(m))
        return EPROTO;
    struct subject *s = find(ts, id, &view);
    if (!s)
        return ENOTFOUND;
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    put_entry(ts, s, &view, m);
    subject_put(s);
    return SUCCESS;
}

static bool place_taken(word_t address, u64 bytes)
{
    LIST_FOREACH (node, &all) {
        const struct tracing *t = LIST_ENTRY(node, struct tracing, in_all);
        if (address < t->address + t->bytes && t->address < address + bytes)
            return true;
    }
    return false;
}

// Whether the dataspace can still be named. Its end looks at `rings` after it took the name away,
// so of two that are at it at once at least one sees the other.
static bool still_there(const struct dataspace *ds, struct typed_item name)
{
    struct dataspace *again = dataspace_find(name);
    if (again)
        dataspace_put(again);
    return again == ds;
}

// Under the lock, with everything but the kernel's part in *t.
static error_t start(struct tracing *t, struct typed_item name, u64 *capacity)
{
    struct subject *s = t->subject;
    error_t error = ENOTFOUND;
    __atomic_fetch_add(&t->ds->rings, 1, __ATOMIC_SEQ_CST);
    if (!s->ended && still_there(t->ds, name))
        error = s->tracing || place_taken(t->address, t->bytes) ? EINUSE : SUCCESS;
    if (!error)
        error = hc_ec_trace(s->ec, t->address, t->bytes, t->policy, t->filter, capacity);
    if (error) {
        __atomic_fetch_sub(&t->ds->rings, 1, __ATOMIC_SEQ_CST);
        return error == ECAP ? ENOTFOUND : error;
    }
    s->tracing = t;
    list_push_back(&t->owner->tracings, &t->in_session);
    list_push_back(&all, &t->in_all);
    return SUCCESS;
}

static error_t enable_into(struct trace_session *ts, struct subject *s, struct dataspace *ds,
                           const struct tracing *wish, struct typed_item name, u64 *capacity)
{
    u64 offset = wish->address, size = ds->count * PAGE_SIZE;
    if (!dataspace_is_ram(ds))
        return EFEATURE;
    if (offset > size || wish->bytes > size - offset || wish->bytes < TRACE_RING_MIN)
        return EPARAM;
    error_t error = server_charge(ts->session, TRACE_COST);
    if (error)
        return error;
    struct tracing *t = heap_zalloc(sizeof(*t));
    if (!t) {
        server_uncharge(ts->session, TRACE_COST);
        return EMEM;
    }
    *t = *wish;
    t->address = ds->view * PAGE_SIZE + offset;
    t->owner = ts;
    t->subject = s;
    t->ds = ds;
    named_get(&s->named);
    named_get(&ds->named);
    mutex_lock(&lock);
    error = start(t, name, capacity);
    mutex_unlock(&lock);
    if (error) {
        server_uncharge(ts->session, TRACE_COST);
        dispose(t);
    }
    return error;
}

static error_t enable(struct trace_session *ts, struct msg *m)
{
    struct tracing wish = {0};
    struct subject_view view;
    u64 id = msg_get_word(m), capacity;
    wish.address = msg_get_word(m);
    wish.bytes = msg_get_word(m);
    wish.policy = msg_get_word(m);
    wish.filter = msg_get_word(m);
    struct typed_item name = msg_get_item(m);
    if (msg_error(m))
        return EPROTO;
    struct subject *s = find(ts, id, &view);
    struct dataspace *ds = dataspace_find(name);
    error_t error = s && ds ? enable_into(ts, s, ds, &wish, name, &capacity) : ENOTFOUND;
    if (ds)
        dataspace_put(ds);
    if (s)
        subject_put(s);
    if (error)
        return error;
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, capacity);
    return SUCCESS;
}

// The session's tracing of a thread, or NULL. Under the lock.
static struct tracing *tracing_of(struct trace_session *ts, u64 id)
{
    LIST_FOREACH (node, &ts->tracings) {
        struct tracing *t = LIST_ENTRY(node, struct tracing, in_session);
        if (t->subject->id == id)
            return t;
    }
    return NULL;
}

static error_t set_policy(struct tracing *t, word_t policy, word_t filter, bool paused)
{
    if (policy & ~(word_t)TRACE_POLICY_VALID)
        return EPARAM;
    word_t word = paused ? policy & ~(word_t)TRACE_ALL : policy;
    error_t error = hc_ec_trace_policy(t->subject->ec, word, filter);
    if (error)
        return ENOTFOUND; // its EC is gone, but nobody has told us
    t->policy = policy;
    t->filter = filter;
    t->paused = paused;
    return SUCCESS;
}

// POLICY, PAUSE, RESUME, DISABLE.
static error_t change(struct trace_session *ts, word_t operation, struct msg *m)
{
    u64 id = msg_get_word(m);
    bool policy = operation == TRACE_SERVICE_POLICY, over = operation == TRACE_SERVICE_DISABLE;
    word_t word = policy ? msg_get_word(m) : 0, filter = policy ? msg_get_word(m) : 0;
    if (msg_error(m))
        return EPROTO;
    mutex_lock(&lock);
    struct tracing *t = tracing_of(ts, id);
    error_t error = t ? SUCCESS : ENOTFOUND;
    if (t && over)
        stop(t);
    else if (t && policy)
        error = set_policy(t, word, filter, t->paused);
    else if (t)
        error = set_policy(t, t->policy, t->filter, operation == TRACE_SERVICE_PAUSE);
    mutex_unlock(&lock);
    if (t && over)
        dispose(t);
    return error ? error : server_done(m);
}

static error_t trace_dispatch(struct server_session *session, struct server_cpu *cpu,
                              word_t operation, struct msg *m)
{
    (void)cpu;
    struct trace_session *ts = session->user;
    switch (operation) {
    case TRACE_SERVICE_SUBJECTS: return subjects(ts, m);
    case TRACE_SERVICE_INFO: return info(ts, m);
    case TRACE_SERVICE_ENABLE: return enable(ts, m);
    case TRACE_SERVICE_POLICY:
    case TRACE_SERVICE_PAUSE:
    case TRACE_SERVICE_RESUME:
    case TRACE_SERVICE_DISABLE: return change(ts, operation, m);
    default: return EPROTO;
    }
}

static error_t trace_open(struct server_session *session, const char *label, const char *args)
{
    if (*args)
        return EPROTO;
    if (strlen(label) >= SERVICE_LABEL_MAX - 1)
        return EPERM; // maybe cut, and then more than one component's
    struct trace_session *ts = heap_zalloc(sizeof(*ts));
    if (!ts)
        return EMEM;
    ts->session = session;
    list_init(&ts->tracings);
    strlcpy(ts->label, label, sizeof(ts->label));
    session->user = ts;
    return SUCCESS;
}

static void trace_close(struct server_session *session)
{
    struct trace_session *ts = session->user;
    for (;;) {
        mutex_lock(&lock);
        struct tracing *t = NULL;
        if (!list_empty(&ts->tracings)) {
            t = LIST_ENTRY(ts->tracings.next, struct tracing, in_session);
            stop(t);
        }
        mutex_unlock(&lock);
        if (!t)
            break;
        dispose(t);
    }
    heap_free(ts);
}

const struct server_ops trace_ops = {
    .open = trace_open, .close = trace_close, .dispatch = trace_dispatch};
