// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// A child's priority, when the configuration changes it (init.h). The child's "cpu" sessions are
// our parent's, who has them under the labels that we have given them, below our own. An init below
// us need not know: what its children have opened follows too.
#include "init/init.h"
#include "lib/core/threads.h"
#include "lib/rt/string.h"

// Under parent.lock: whether the pseudonym is of a "cpu" session of the child, and what it may have
// now. Where the child asked for a priority itself (an init does, in its children's names), that
// stands, below what the child may give.
static bool session_read(const struct child *child, const struct parent_pseudonym *p, char *label,
                         unsigned *highest, bool *asks)
{
    struct config_route route;
    if (p->client != child->client || !p->forwarded || strcmp(parent_pseudonym_name(p), "cpu") != 0)
        return false;
    const char *asked = parent_pseudonym_asked_args(p);
    config_route(&child->config, "cpu", parent_pseudonym_asked_label(p), asked, &route);
    *highest = share_priority(child, route.args ? route.args : "", asked, asks);
    strlcpy(label, parent_pseudonym_label(p), SERVICE_LABEL_MAX);
    return *highest;
}

static error_t sessions(const struct child *child)
{
    error_t error = SUCCESS;
    bool more = true;
    for (u32 i = 0; more && !error; i++) {
        char label[SERVICE_LABEL_MAX];
        unsigned highest;
        bool asks;
        mutex_lock(&parent.lock);
        more = i < parent.pseudonyms_made;
        bool found =
            more && session_read(child, parent_pseudonym_at(&parent, i), label, &highest, &asks);
        parent_unlock(&parent);
        if (found)
            error = cpu_limit(&env_cpu, label, asks ? 0 : highest, asks ? highest : 0, NULL);
    }
    return error;
}

// That of its main thread: a session's that we have opened in its name, or ours.
static error_t main_thread(struct child *child)
{
    u32 priority = child->config.priority;
    mutex_lock(&debug_lock); // child->thread
    sel_t thread = child->sel_sc != SEL_NONE ? child->sel_sc : child->thread;
    error_t error = child->cpu_open ? cpu_limit(&env_cpu, child->name, priority, 0, NULL) : SUCCESS;
    if (!error)
        error = cpu_priority(child->cpu_open ? &child->cpu : &env_cpu, thread, priority);
    mutex_unlock(&debug_lock);
    return error;
}

void priority_apply(struct child *child)
{
    error_t error = main_thread(child);
    if (!error)
        error = sessions(child);
    if (error)
        child_report(child, "priority %u does not hold for all of it: %s", child->config.priority,
                     error_name(error));
}
