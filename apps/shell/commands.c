// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The table of commands, the services that they use, and the short ones among them.
#include "apps/shell/shell.h"
#include "apps/shell/tree.h"
#include "lib/rt/start.h"
#include "lib/rt/string.h"
#include "lib/service/timer.h"

static struct service_client *ready(struct service_client *client, const char *name,
                                    const char *args)
{
    if (client->base != SEL_NONE && !client->name) // all zero: never initialised
        client->base = SEL_NONE;
    if (client->base == SEL_NONE && service_init(client, name, "", args, client->quota))
        say("shell: no selectors left for a session \"%s\"\n", name);
    return client;
}

struct service_client *client_init(void)
{
    static struct service_client client;
    return ready(&client, "init", "");
}

struct service_client *client_log(const char *child)
{
    static struct service_client client;
    static char args[64];
    if (client.name)
        service_close(&client);
    client.base = SEL_NONE;
    text_format(args, sizeof(args), *child ? "read,%s" : "read", child);
    return ready(&client, "log", args);
}

struct service_client *client_cpu(void)
{
    static struct service_client client;
    return ready(&client, "cpu", ""); // what it shows is the route's to say
}

struct service_client *client_timer(void)
{
    static struct service_client client;
    return ready(&client, "timer", "");
}

struct service_client *client_power(void)
{
    static struct service_client client;
    return ready(&client, "power", "");
}

struct service_client *client_config(void)
{
    static struct service_client client;
    return ready(&client, "config", "");
}

bool failed(const struct service_client *client, const char *what, error_t error)
{
    if (!error)
        return false;
    const char *why = error == EPERM ? "denied by the parent: no route of the shell leads to it"
                      : error == ENOTFOUND ? "there is none by that name, or it does not run"
                      : error == EINUSE    ? "it runs already"
                      : error == EABORT    ? "the service died in the call; try again"
                                           : error_name(error);
    say("shell: %s: service \"%s\": %s\n", what, client->name ? client->name : "?", why);
    return true;
}

static void command_help(const char *argument)
{
    bool found = !*argument;
    for (unsigned i = 0; i < command_count; i++) {
        if (*argument && strcmp(argument, commands[i].name))
            continue;
        found = true;
        say("  %-9s%-8s %s\n", commands[i].name, commands[i].arguments, commands[i].help);
    }
    if (!found)
        say("shell: help: there is no command \"%s\"; \"help\" lists them\n", argument);
    if (!*argument)
        say("Keys: arrows, Tab, Ctrl-A E K U W C L. Leave QEMU at any time with Ctrl-A X.\n");
}

static error_t life_end(const struct place *at, const char *name)
{
    return control_kill(at->init, name);
}

static error_t life_begin(const struct place *at, const char *name)
{
    return control_start(at->init, name);
}

static void command_kill(const char *argument)
{
    place_named("kill", argument, life_end);
}

static void command_start(const char *argument)
{
    place_named("start", argument, life_begin);
}

static void command_reboot(const char *argument)
{
    (void)argument;
    failed(client_power(), "reboot", service_call0(client_power(), POWER_RESET));
}

static void command_poweroff(const char *argument)
{
    (void)argument;
    show_quotas_if_asked();
    say("Good bye.\n");
    failed(client_power(), "poweroff", service_call0(client_power(), POWER_OFF));
}

static void command_uptime(const char *argument)
{
    (void)argument;
    u64 since = 0, wall = 0;
    if (failed(client_timer(), "uptime", timer_time(client_timer(), &since, &wall)))
        return;
    say("up %lu.%03lu s; %lu s since 1970\n", since / 1000000, since / 1000 % 1000, wall / 1000000);
}

static void command_version(const char *argument)
{
    (void)argument;
    say("Tessera on %u CPU%s, TSC %lu MHz\n", hip()->cpu_count, hip()->cpu_count == 1 ? "" : "s",
        hip()->tsc_khz / 1000ul);
    if (*hip()->cmdline)
        say("started with: %s\n", hip()->cmdline);
}

static void command_clear(const char *argument)
{
    (void)argument;
    say("\033[H\033[2J");
}

const struct command commands[] = {
    {"help", "[CMD]", "what there is", command_help},
    {"tree", "", "components: state, accounts, sessions, restarts", command_tree},
    {"quota", "NAME", "what a component used at most, what it was refused, what would do",
     command_quota},
    {"graph", "", "components and open sessions, as Graphviz text", command_graph},
    {"kill", "NAME", "end a component; its restart policy applies", command_kill},
    {"start", "NAME", "start one that has ended", command_start},
    {"log", "[NAME]", "the latest lines, of all or of one component", command_log},
    {"top", "", "who uses the processors, in one second", command_top},
    {"config", "VERB", "show, load MODULE, set PATH VALUE (\"config set clock.ram 1Mb\")",
     command_config},
    {"trace", "[VERB]", "threads; start [NAME...], stop, show [NAME], dump, events [LIST]",
     command_trace},
    {"bench", "ipc", "what calls cost here, in cycles", command_bench},
    {"uptime", "", "time since the start, and the wall clock", command_uptime},
    {"version", "", "what runs, on how many CPUs, started with which options", command_version},
    {"clear", "", "an empty screen", command_clear},
    {"reboot", "", "start the machine anew", command_reboot},
    {"poweroff", "", "turn the machine off", command_poweroff},
};
const unsigned command_count = ARRAY_SIZE(commands);

const char *command_verbs(const char *command)
{
    if (!strcmp(command, "trace"))
        return "start stop show dump events";
    return strcmp(command, "config") ? NULL : "show load set";
}
