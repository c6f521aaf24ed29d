// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The shell: what its files share. Output goes to the serial line, with \n as \r\n.
#pragma once

#include "lib/rt/print.h"
#include "lib/service/client.h"

// Writes to the terminal.
void say(const char *format, ...) PRINTF_LIKE(1, 2);
void say_bytes(const char *text, size_t length);
// Reports an error with a service, if there was one: what was asked of it (a command, with its
// argument if that matters), and why it failed. True if there was one.
bool failed(const struct service_client *client, const char *what, error_t error);

// A handle that is made at its first use. The session opens with the first call.
struct service_client *client_init(void);
struct service_client *client_log(const char *child);
struct service_client *client_cpu(void);
struct service_client *client_timer(void);
struct service_client *client_power(void);
struct service_client *client_config(void);

struct command {
    const char *name, *arguments, *help;
    void (*run)(const char *argument); // "" if none
};
extern const struct command commands[];
extern const unsigned command_count;
// The words that may follow a command, for completion; NULL: none but names of children.
const char *command_verbs(const char *command);

// quota.c: the last lines of tree; suggested quotas, if the kernel's command line asks for them.
void show_sum(void);
void show_quotas_if_asked(void);
void command_quota(const char *argument);
void command_tree(const char *argument);
void command_graph(const char *argument);
void command_log(const char *argument);
void command_top(const char *argument);
void command_bench(const char *argument);
void command_trace(const char *argument);
void command_config(const char *argument);
