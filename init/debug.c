// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The service "debug": a component supervises a child whose block says `debug = yes`
// (doc/debugging.md; protocol.h, DEBUG_OPERATIONS). A session is for one child, by its name, and a
// child has one session; it outlives the child's lives. While it is attached, the domain's
// capability is its client's and the child's exceptions wait for it. Whatever ends that, its
// client's death above all, the child goes on as if nobody had ever looked (debuggee.c): who debugs
// may not take a system down.
//
// The text is written here, for the client: it could keep a dataspace mapped for longer than it has
// the session.
//
// debug_lock comes before parent.lock. It is held while sigma0 is called, and not while sessions
// are closed.
#include "init/init.h"
#include "lib/rt/heap.h"
#include "lib/rt/selector.h"
#include "lib/rt/string.h"

struct debugger {
    struct list link;
    sel_t lives, exceptions; // semaphores that its client waits at
    bool attached;
    char child[CONFIG_NAME_MAX];
};

enum { SESSIONS_MAX = CHILDREN_MAX };

struct mutex debug_lock = MUTEX_INIT;
static struct list debuggers = LIST_INIT(debuggers);

static struct debugger *debugger_of(const char *child)
{
    LIST_FOREACH (node, &debuggers) {
        struct debugger *d = LIST_ENTRY(node, struct debugger, link);
        if (!strcmp(d->child, child))
            return d;
    }
    return NULL;
}

static struct child *find(const char *name)
{
    mutex_lock(&parent.lock);
    struct child *child = child_by_name(name);
    if (child && !child->config.debug)
        child = NULL;
    mutex_unlock(&parent.lock); // we may hold debug_lock, which `close` takes
    return child;
}

static void life_changed(const struct child *child)
{
    const struct debugger *d = debugger_of(child->name);
    if (d)
        hc_sm_up(d->lives);
}

void debug_begins(struct child *child)
{
    mutex_lock(&debug_lock);
    child->debug.lives++;
    child->debug.up = true;
    child->debug.attached = false;
    life_changed(child);
    mutex_unlock(&debug_lock);
}

void debug_ends(struct child *child)
{
    if (!child->config.debug || !child->debug.up)
        return;
    u32 notes = __atomic_load_n(&child->notes, __ATOMIC_ACQUIRE);
    mutex_lock(&debug_lock);
    struct debugger *d = debugger_of(child->name);
    if (d)
        d->attached = false;
    child->debug.up = child->debug.attached = false;
    child->debug.outcome = notes & NOTE_FAULT                               ? CHILD_FAULTED
                           : (notes & (NOTE_EXIT | NOTE_KILL)) == NOTE_EXIT ? CHILD_EXITED
                                                                            : CHILD_STOPPED;
    child->debug.exit_code = child->exit_code;
    life_changed(child);
    mutex_unlock(&debug_lock);
}

static void debugger_free(struct debugger *d)
{
    selector_drop(d->lives);
    selector_drop(d->exceptions);
    heap_free(d);
}

static error_t debugger_new(const char *name, struct debugger **out)
{
    struct debugger *d = heap_zalloc(sizeof(*d));
    if (!d)
        return EMEM;
    d->lives = d->exceptions = SEL_NONE;
    error_t error = semaphore_create(0, &d->lives);
    if (!error)
        error = semaphore_create(0, &d->exceptions);
    if (error) {
        debugger_free(d);
        return error;
    }
    strlcpy(d->child, name, sizeof(d->child));
    *out = d;
    return SUCCESS;
}

static error_t refuse(const char *label, const char *name, const char *why, error_t error)
{
    print("init: child \"%s\": may not debug \"%s\": %s\n", label, name, why);
    return error;
}

static error_t open(struct server_session *session, const char *label, const char *args)
{
    struct debugger *d = NULL;
    if (!find(args))
        return refuse(label, args, "there is none with `debug = yes`", EPERM);
    error_t error = debugger_new(args, &d);
    if (error)
        return error;
    mutex_lock(&debug_lock);
    bool taken = debugger_of(args);
    if (!taken)
        list_push_back(&debuggers, &d->link);
    mutex_unlock(&debug_lock);
    if (!taken) {
        session->user = d;
        return SUCCESS;
    }
    debugger_free(d);
    return refuse(label, args, "somebody else does", EINUSE);
}

// Under debug_lock. Calling sigma0 takes the windows, in which requests to us arrive.
static void release(struct debugger *d)
{
    struct utcb_copy copy;
    struct child *child = d->attached ? find(d->child) : NULL;
    d->attached = false;
    if (!child || !child->debug.attached)
        return;
    child->debug.attached = false;
    utcb_save(&copy);
    debuggee_release(child);
    utcb_restore(&copy);
}

static void close(struct server_session *session)
{
    struct debugger *d = session->user;
    mutex_lock(&debug_lock);
    if (d->attached)
        print("init: child \"%s\": its debugger is gone, it goes on\n", d->child);
    release(d);
    list_remove(&d->link);
    mutex_unlock(&debug_lock);
    server_withdraw(session->server, CRD_OBJ, d->lives, 1);
    server_withdraw(session->server, CRD_OBJ, d->exceptions, 1);
    debugger_free(d);
}

static error_t events(const struct debugger *d, struct msg *m)
{
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_item(m, item_delegate(crd(CRD_OBJ, d->lives, 0, SM_DOWN), 0, 0));
    msg_put_item(m, item_delegate(crd(CRD_OBJ, d->exceptions, 0, SM_DOWN), 1, 0));
    return SUCCESS;
}

static error_t state(const struct child *child, struct msg *m)
{
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, child->debug.lives);
    msg_put_word(m, child->debug.up);
    msg_put_word(m, child->debug.outcome);
    msg_put_word(m, (word_t)child->debug.exit_code);
    mutex_lock(&parent.lock);
    msg_put_string(m, child->config.binary); // of the version in force
    mutex_unlock(&parent.lock);
    return msg_error(m);
}

static error_t attach(struct debugger *d, struct child *child, struct msg *m)
{
    if (!child->debug.up)
        return ENOTFOUND;
    if (child->debug.attached)
        return EINUSE;
    struct utcb_copy copy;
    utcb_save(&copy);
    error_t error = debuggee_signal(child, d->exceptions);
    utcb_restore(&copy);
    if (error)
        return error;
    child->debug.attached = d->attached = true;
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, child->debug.lives);
    msg_put_word(m, child->elf.entry);
    msg_put_item(m, item_delegate(crd(CRD_OBJ, child->domain.domain, 0, 0), 0, 0));
    return SUCCESS;
}

static error_t write(const struct debugger *d, const struct child *child, struct msg *m)
{
    u8 data[PD_MEMORY_MAX];
    word_t address = msg_get_word(m);
    size_t bytes = msg_get_bytes(m, data, sizeof(data)), there;
    if (msg_error(m))
        return EPROTO;
    char *view =
        d->attached && child->debug.attached ? debuggee_view(child, address, &there) : NULL;
    if (!view)
        return EPERM;
    bytes = bytes < there ? bytes : there;
    memcpy(view, data, bytes);
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, bytes);
    return SUCCESS;
}

static error_t end(struct child *child)
{
    if (!child->debug.up)
        return ENOTFOUND;
    child_report(child, "its end was asked for by its debugger");
    child_notify(child, NOTE_KILL);
    return SUCCESS;
}

// Under debug_lock: what is up stays up.
static error_t operate(struct debugger *d, word_t operation, struct msg *m)
{
    error_t error = SUCCESS;
    struct child *child = find(d->child);
    if (!child)
        return ENOTFOUND;
    switch (operation) {
    case DEBUG_EVENTS: return events(d, m);
    case DEBUG_STATE: return state(child, m);
    case DEBUG_ATTACH: return attach(d, child, m);
    case DEBUG_WRITE: return write(d, child, m);
    case DEBUG_RELEASE: release(d); break;
    case DEBUG_KILL: error = end(child); break;
    default: return EPROTO;
    }
    return error ? error : server_done(m);
}

static error_t dispatch(struct server_session *session, struct server_cpu *cpu, word_t operation,
                        struct msg *m)
{
    (void)cpu;
    mutex_lock(&debug_lock);
    error_t error = operate(session->user, operation, m);
    mutex_unlock(&debug_lock);
    return error;
}

static const struct server_ops ops = {.open = open, .close = close, .dispatch = dispatch};

void debug_configure(void)
{
    static struct server here, above;
    static struct thread sweeper;
    static bool offered;
    bool any = false;
    for (unsigned i = 0; i < child_count; i++)
        any |= children[i].present && children[i].config.debug;
    if (!any || offered)
        return;
    offered = true;
    struct server_config config = {.name = "debug",
                                   .sessions_max = SESSIONS_MAX,
                                   .session_bytes = sizeof(struct debugger),
                                   .session_caps = 2,
                                   .ops = &ops};
    service_offer(&above, &config, &sweeper);
    config.host = parent_host(&parent);
    error_t error = server_start(&here, &config);
    if (error)
        print("init: no child can be debugged: %s\n", error_name(error));
}
