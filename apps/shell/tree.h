// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The tree of inits, as far as they let the shell look into those below them.
#pragma once

#include "lib/service/control.h"

enum { TREE_PATH_MAX = SERVICE_LABEL_MAX };

// An init, and where it is.
struct place {
    struct service_client *init;
    const char *path; // "apps/middle"; "" for the one that the shell asks
    unsigned depth;
};
typedef bool place_visitor(const struct control_child *child, const struct place *at,
                           void *context);

// The init that the shell asks.
struct place place_top(void);
// Calls `visit` for each child of the init, as control_visit does.
MUST_CHECK error_t place_children(const struct place *at, place_visitor *visit, void *context);
// If the child is an init that we may look into, calls `look` with it and returns true.
bool place_below(const struct control_child *child, const struct place *at,
                 void (*look)(const struct place *below, void *context), void *context);
// Calls `with` for the init and the name that a person's "apps/clock" means; `what` is the command.
// Reports what is wrong with it, or what `with` returns.
void place_named(const char *what, const char *component,
                 error_t (*with)(const struct place *at, const char *name));
