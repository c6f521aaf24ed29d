// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Accounts: the last line of tree, quota, and what is printed at shut-down if the kernel's command
// line says quotas=1 (doc/quotas.md).
#include "apps/shell/shell.h"
#include "lib/rt/start.h"
#include "lib/rt/string.h"
#include "lib/service/control.h"

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

void command_quota(const char *argument)
{
    struct control_quota q;
    char request[96];
    if (!*argument) {
        say("shell: quota: found no name, expected a component's; \"tree\" lists them\n");
        return;
    }
    text_format(request, sizeof(request), "quota \"%.64s\"", argument);
    if (failed(client_init(), request, control_quota(client_init(), argument, &q)))
        return;
    say("  ram   %6lu KiB of %lu KiB in use or donated, at most %lu KiB\n", q.ram.used / KIB,
        q.ram.limit / KIB, q.ram.most / KIB);
    say("  caps  %6lu of %lu in use or donated, at most %lu\n", q.caps.used, q.caps.limit,
        q.caps.most);
    if (q.refusals)
        say("  refused %lu request%s, the last: %s\n", q.refusals, q.refusals == 1 ? "" : "s",
            q.last);
    else
        say("  no request was refused\n");
    say("  suggested: ram = %luKb; caps = %lu;\n", control_suggest_ram(&q) / KIB,
        control_suggest_caps(&q));
}

static bool suggest(const struct control_child *child, void *context)
{
    struct control_quota q;
    (void)context;
    if (!control_quota(client_init(), child->name, &q))
        say("child %s { ram = %luKb; caps = %lu; }\n", child->name, control_suggest_ram(&q) / KIB,
            control_suggest_caps(&q));
    return true;
}

void show_quotas_if_asked(void)
{
    static const char option[] = "quotas=1";
    const char *line = hip()->cmdline;
    while (*line && strncmp(line, option, sizeof(option) - 1))
        line++;
    if (!*line)
        return;
    say("Quotas by what was used at most:\n");
    failed(client_init(), "quotas", control_visit(client_init(), suggest, NULL));
}
