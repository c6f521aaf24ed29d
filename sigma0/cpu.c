// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// CPU, the admission service: the only giver of scheduling contexts, and statistics by name
// (protocol.h, CPU_OPERATIONS; 001_5c4c3d5892c9ef36.txt). Session arguments: "PRIORITY" or
// "PRIORITY,all": the highest priority that its client may give, and whether the statistics show it
// everybody's figures. A session's end takes its scheduling contexts back.
#include "lib/rt/heap.h"
#include "lib/rt/selector.h"
#include "lib/rt/string.h"
#include "lib/rt/print.h"
#include "sigma0/services.h"

enum { NAME_SIZE = 96, PRIORITY_DEFAULT_MAX = 128, ENTRIES_MAX = 16 };

struct cpu_session {
    unsigned priority_max;
    bool all;
    char label[SERVICE_LABEL_MAX];
};

struct entry {
    struct list link;
    struct cpu_session *owner; // NULL: sigma0's own
    sel_t sc;
    unsigned cpu, priority;
    char name[NAME_SIZE];
};

static struct mutex lock = MUTEX_INIT; // guards entries
static struct list entries = LIST_INIT(entries);

static struct entry *enter(struct cpu_session *owner, sel_t sc, const char *name, unsigned cpu,
                           unsigned priority)
{
    struct entry *e = heap_zalloc(sizeof(*e));
    if (!e)
        return NULL;
    e->owner = owner;
    e->sc = sc;
    e->cpu = cpu;
    e->priority = priority;
    if (owner && *name)
        text_format(e->name, sizeof(e->name), "%s -> %s", owner->label, name);
    else
        strlcpy(e->name, owner ? owner->label : name, sizeof(e->name));
    mutex_lock(&lock);
    list_push_back(&entries, &e->link);
    mutex_unlock(&lock);
    return e;
}

void cpu_enter(sel_t sc, const char *name, unsigned cpu, unsigned priority)
{
    (void)!enter(NULL, sc, name, cpu, priority);
}

static error_t create(struct cpu_session *session, struct server_cpu *cpu, struct msg *m)
{
    word_t priority = msg_get_word(m), quantum = msg_get_word(m), budget = msg_get_word(m),
           period = msg_get_word(m);
    char name[NAME_SIZE];
    msg_get_string(m, name, sizeof(name));
    sel_t ec = server_take_item(cpu, msg_get_item(m));
    error_t error = EPROTO;
    if (ec == SEL_NONE)
        return EPROTO;
    if (msg_error(m) || priority == 0 || (quantum | budget | period) >> 32)
        goto drop;
    if (priority > session->priority_max)
        priority = session->priority_max;
    error = ERESOURCE;
    sel_t sc = selector_alloc();
    if (sc == SEL_NONE)
        goto drop;
    error =
        hc_create_sc(sc, ec, SEL_PD, (unsigned)priority, (u32)quantum, (u32)budget, (u32)period);
    if (error) {
        selector_free(sc);
        goto drop;
    }
    if (!enter(session, sc, name, cpu->cpu, (unsigned)priority)) {
        selector_drop(sc);
        error = EMEM;
        goto drop;
    }
    selector_drop(ec);
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_item(m, item_delegate(crd(CRD_OBJ, sc, 0, SC_CTRL), 0, 0));
    return SUCCESS;
drop:
    selector_drop(ec);
    return error;
}

// Takes out the session's entry for `sc`, or any of its entries if `sc` is SEL_NONE.
static struct entry *take(struct cpu_session *session, u64 sc)
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
    mutex_unlock(&lock);
    return found;
}

static error_t destroy(struct cpu_session *session, struct msg *m)
{
    crd_t c = msg_get_item(m).crd;
    struct entry *e = crd_kind(c) == CRD_OBJ ? take(session, crd_base(c)) : NULL;
    if (!e)
        return ENOTFOUND;
    selector_drop(e->sc);
    heap_free(e);
    msg_begin(m);
    msg_put_word(m, SUCCESS);
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
    switch (operation) {
    case CPU_CREATE_SC: return create(session->user, cpu, m);
    case CPU_DESTROY_SC: return destroy(session->user, m);
    case CPU_STATISTICS: return statistics(session->user, m);
    default: return EPROTO;
    }
}

static error_t cpu_open(struct server_session *session, const char *label, const char *args)
{
    struct cpu_session *cpu = heap_zalloc(sizeof(*cpu));
    u64 priority;
    if (!cpu)
        return EMEM;
    const char *rest;
    unsigned numbers = args_numbers(args, &priority, 1, &rest);
    cpu->priority_max = numbers == 0 || priority == 0 || priority > PRIORITY_MAX
                            ? PRIORITY_DEFAULT_MAX
                            : (unsigned)priority;
    cpu->all = strcmp(rest, "all") == 0;
    strlcpy(cpu->label, label, sizeof(cpu->label));
    session->user = cpu;
    return SUCCESS;
}

static void cpu_close(struct server_session *session)
{
    struct entry *e;
    while ((e = take(session->user, SEL_NONE))) {
        selector_drop(e->sc);
        heap_free(e);
    }
    heap_free(session->user);
}

const struct server_ops cpu_ops = {.open = cpu_open, .close = cpu_close, .dispatch = cpu_dispatch};
