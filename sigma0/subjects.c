// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The list of all threads that "cpu" sessions know (subjects.h), in the order of their numbers. It
// is left before the thread's EC or session goes, so that both can be used under its lock.
// sigma0's own threads never leave it.
#include "sigma0/subjects.h"
#include "lib/rt/heap.h"
#include "lib/rt/print.h"
#include "lib/rt/string.h"

static struct mutex lock = MUTEX_INIT;
static struct list subjects = LIST_INIT(subjects);
static u64 last_id;

// Whose label those have that no session made.
static struct cpu_session own = {.label = "sigma0"}, root = {.label = LABEL_ROOT};

void subject_list(struct subject *s)
{
    mutex_lock(&lock);
    s->id = ++last_id;
    list_push_back(&subjects, &s->in_all);
    mutex_unlock(&lock);
}

void subject_unlist(struct subject *s)
{
    mutex_lock(&lock);
    list_remove(&s->in_all);
    mutex_unlock(&lock);
}

// The list's reference is never given back, so there is nothing that would release it.
static error_t list_for_good(struct cpu_session *session, const struct subject *like)
{
    struct subject *s = heap_alloc(sizeof(*s));
    if (!s)
        return EMEM;
    *s = *like;
    s->named.refs = 1;
    s->session = session;
    s->started = s->begun = true;
    s->wait.ec = s->ec;
    list_init(&s->wait.link);
    subject_list(s);
    return SUCCESS;
}

error_t subject_list_own(sel_t ec, const char *name)
{
    struct subject like = {.ec = ec, .sc = SEL_NONE, .handler = true};
    strlcpy(like.name, name, sizeof(like.name));
    return list_for_good(&own, &like);
}

error_t subject_list_init(sel_t ec, sel_t sc, unsigned priority)
{
    return list_for_good(&root, &(struct subject){.ec = ec, .sc = sc, .priority = priority});
}

// Whether the component that a path names is, or lies below, what the label names.
static bool lies_below(const char *label, const char *path)
{
    size_t length = strlen(label);
    return !strncmp(label, path, length) && (!path[length] || !strncmp(path + length, " -> ", 4));
}

static bool may_see(const char *label, const struct subject *s, const char *path)
{
    return lies_below(label, path) || (s->session == &own && !strcmp(label, LABEL_ROOT));
}

static void view_of(const struct subject *s, struct subject_view *view)
{
    const char *label = s->session->label;
    if (s->main)
        (void)text_format(view->label, sizeof(view->label), "%s -> %s", label, s->name);
    else
        strlcpy(view->label, label, sizeof(view->label));
    strlcpy(view->name, s->main || !*s->name ? "main" : s->name, sizeof(view->name));
}

struct subject *subject_next(const char *label, u64 id, struct subject_view *view)
{
    struct subject *found = NULL;
    mutex_lock(&lock);
    LIST_FOREACH (node, &subjects) {
        struct subject *s = LIST_ENTRY(node, struct subject, in_all);
        u64 cpu;
        if (found || s->id < id)
            continue;
        view_of(s, view);
        if (!may_see(label, s, view->label) || hc_ec_cpu(s->ec, &cpu))
            continue;
        found = s;
        named_get(&s->named);
        view->id = s->id;
        view->cpu = (unsigned)cpu;
        view->priority = s->priority;
        view->state = subject_state(s);
        if (s->sc == SEL_NONE || hc_sc_time(s->sc, &view->ticks))
            view->ticks = 0;
    }
    mutex_unlock(&lock);
    return found;
}
