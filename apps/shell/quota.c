// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Accounts: the last line of tree, quota, and what is printed at shut-down if the kernel's command
// line says quotas=1 (doc/quotas.md).
#include "apps/shell/shell.h"
#include "apps/shell/tree.h"
#include "lib/rt/start.h"
#include "lib/rt/string.h"

enum { KIB = 1024 };

// init knows what it donated for itself, what its children's sessions took, and has its parent's
// word for what is left: that these make up what it was given is the check. The rest is sigma0's.
void show_sum(void)
{
    struct control_usage u;
    if (failed(client_init(), "tree", control_usage(client_init(), &u)))
        return;
    u64 sum = u.ram_own + u.ram_children + u.ram_left;
    say("RAM KiB: kernel and boot modules %lu + sigma0 %lu + init %lu + components %lu + free %lu "
        "= "
        "%lu%s\n",
        u.system_ram / KIB, (u.parent_ram - u.system_ram - u.ram_limit) / KIB, u.ram_own / KIB,
        u.ram_children / KIB, u.ram_left / KIB, u.parent_ram / KIB,
        sum == u.ram_limit ? ", all there is" : ", AND THAT IS WRONG");
    say("Slots: sigma0 %lu + init %lu + components %lu = %lu\n", u.parent_slots, u.slots_limit,
        u.children_slots, u.parent_slots + u.slots_limit + u.children_slots);
}

// What children should get, all together; what those that run have now.
struct needs {
    struct control_need sum, now;
    bool print;
};

static void need_add(struct control_need *sum, struct control_need more)
{
    sum->ram += more.ram;
    sum->caps += more.caps;
    sum->kmem += more.kmem;
}

static bool need_visit(const struct control_child *child, const struct place *at, void *context);

struct look {
    struct needs needs;
    struct control_usage usage;
    error_t error;
};

static void look_below(const struct place *at, void *context)
{
    struct look *look = context;
    look->error = control_usage(at->init, &look->usage);
    if (!look->error)
        look->error = place_children(at, need_visit, &look->needs);
}

// What a block should give. An init's depends on what its children should get.
static struct control_need need_of(const struct control_child *child, const struct place *at,
                                   const struct control_quota *q, bool print)
{
    struct look look = {.needs.print = print};
    if (place_below(child, at, look_below, &look) && !look.error)
        return control_suggest_init(q, &look.needs.sum, &look.needs.now, &look.usage);
    return control_suggest(q);
}

static bool need_visit(const struct control_child *child, const struct place *at, void *context)
{
    struct needs *needs = context;
    struct control_quota q;
    if (control_quota(at->init, child->name, &q))
        return true; // it is gone
    struct control_need now = {q.ram.own, q.caps.own, q.kmem.own};
    struct control_need need = now; // one that never ran says nothing of what it needs
    if (q.ram.most)
        need = need_of(child, at, &q, needs->print);
    need_add(&needs->sum, need);
    if (child->state == CHILD_RUNNING)
        need_add(&needs->now, now);
    if (needs->print)
        say("child %s%s%s { ram = %luKb; caps = %lu; kmem = %luKb; }\n", at->path,
            *at->path ? "/" : "", child->name, need.ram / KIB, need.caps, need.kmem / KIB);
    return true;
}

static error_t quota_show(const struct place *at, const char *name)
{
    struct control_quota q;
    struct control_child child;
    error_t error = control_quota(at->init, name, &q);
    if (!error)
        error = control_find(at->init, name, &child);
    if (error)
        return error;
    say("  ram   %6lu KiB of %lu KiB in use or donated, at most %lu KiB\n", q.ram.used / KIB,
        q.ram.limit / KIB, q.ram.most / KIB);
    say("  caps  %6lu of %lu in use or donated, at most %lu\n", q.caps.used, q.caps.limit,
        q.caps.most);
    say("  kmem  %6lu KiB of %lu KiB in use or donated, at most %lu KiB\n", q.kmem.used / KIB,
        q.kmem.limit / KIB, q.kmem.most / KIB);
    if (q.keep | q.kept)
        say("  kept  %6lu KiB of %lu KiB, in %lu dataspace%s, in all states of it\n", q.kept / KIB,
            q.keep / KIB, q.kept_count, q.kept_count == 1 ? "" : "s");
    if (q.refusals)
        say("  refused %lu request%s, the last: %s\n", q.refusals, q.refusals == 1 ? "" : "s",
            q.last);
    else
        say("  no request was refused\n");
    struct control_need need = need_of(&child, at, &q, false);
    say("  suggested: ram = %luKb; caps = %lu; kmem = %luKb;\n", need.ram / KIB, need.caps,
        need.kmem / KIB);
    return SUCCESS;
}

void command_quota(const char *argument)
{
    place_named("quota", argument, quota_show);
}

void show_quotas_if_asked(void)
{
    static const char option[] = "quotas=1";
    const char *line = hip()->cmdline;
    while (*line && strncmp(line, option, sizeof(option) - 1))
        line++;
    if (!*line)
        return;
    struct needs needs = {.print = true};
    struct place top = place_top();
    say("Quotas by what was used at most:\n");
    failed(top.init, "quotas", place_children(&top, need_visit, &needs));
}
