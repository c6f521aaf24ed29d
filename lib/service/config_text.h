// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The client of the configuration compiler, service "config" (servers/config): text goes in, what
// is wrong in it comes back. A handle is made with service_init; its donated RAM must hold a text
// to load.
#pragma once

#include "lib/service/client.h"

struct config_answer {
    u64 version;       // of the configuration now in force; 0: the change was refused
    char errors[3072]; // why, a line each
};

// Calls `visit` for each part of the text in force. Errors: ERETRY if it changed meanwhile, those
// of service_call.
MUST_CHECK error_t config_text_show(struct service_client *config,
                                    void (*visit)(const char *text, size_t length, void *context),
                                    void *context);
// Replaces the text. Errors: ERESOURCE if the session's RAM or the service cannot hold it, EMEM,
// those of service_call; SUCCESS also if it was refused.
MUST_CHECK error_t config_text_load(struct service_client *config, const char *text, size_t length,
                                    struct config_answer *answer);
// Gives the item at `path` (CHILD.ITEM) the value that `value` describes; "" removes it. Likewise.
MUST_CHECK error_t config_text_set(struct service_client *config, const char *path,
                                   const char *value, struct config_answer *answer);
