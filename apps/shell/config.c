// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// `config`: shows and changes the configuration that the service "config" has in force.
#include "apps/shell/shell.h"
#include "lib/rt/string.h"
#include "lib/service/config_text.h"
#include "lib/service/env.h"

static void show_part(const char *text, size_t length, void *context)
{
    (void)context;
    say_bytes(text, length);
}

static void show(void)
{
    error_t error = config_text_show(client_config(), show_part, NULL);
    if (error == ERETRY)
        say("shell: config show: the configuration has changed meanwhile; try again\n");
    else
        failed(client_config(), "config show", error);
}

static void report(const char *what, error_t error, const struct config_answer *answer)
{
    if (error == ERESOURCE)
        say("shell: %s: found a text larger than what the session may take (64Kb)\n", what);
    else if (failed(client_config(), what, error))
        return;
    else if (answer->version)
        say("version %lu is in force\n", answer->version);
    else
        say_bytes(answer->errors, strlen(answer->errors));
}

static void load(const char *name)
{
    static char kept[SERVICE_ARGS_MAX]; // a ROM handle keeps its name
    struct rom module;
    struct config_answer answer;
    strlcpy(kept, name, sizeof(kept));
    error_t error = rom_open(&module, kept);
    if (error) {
        say("shell: config load: ROM module \"%s\": %s\n", kept,
            error == EPERM ? "denied by the parent: no route of the shell leads to \"rom\""
                           : error_name(error));
        return;
    }
    error = config_text_load(client_config(), module.data, module.size, &answer);
    rom_close(&module);
    report("config load", error, &answer);
}

static void set(const char *rest)
{
    char path[256];
    struct config_answer answer;
    size_t length = 0;
    while (rest[length] && rest[length] != ' ')
        length++;
    strlcpy(path, rest, length + 1 < sizeof(path) ? length + 1 : sizeof(path));
    while (rest[length] == ' ')
        length++;
    report("config set", config_text_set(client_config(), path, rest + length, &answer), &answer);
}

// What follows the word, or NULL if `argument` does not begin with it.
static const char *after(const char *argument, const char *verb)
{
    size_t length = strlen(verb);
    if (strncmp(argument, verb, length) || (argument[length] && argument[length] != ' '))
        return NULL;
    argument += length;
    while (*argument == ' ')
        argument++;
    return argument;
}

void command_config(const char *argument)
{
    const char *rest;
    if ((rest = after(argument, "show")) && !*rest)
        show();
    else if ((rest = after(argument, "load")) && *rest)
        load(rest);
    else if ((rest = after(argument, "set")) && *rest)
        set(rest);
    else
        say("shell: config: found \"%s\", expected show, load MODULE or set PATH VALUE\n",
            argument);
}
