// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Children of inits as tests see them. `path` leads to the init ("": our own, "apps -> middle"); it
// is gone by a session of its own each time, since the one before may have ended with its server.
#pragma once

#include "lib/rt/print.h"
#include "lib/rt/string.h"
#include "lib/service/config_text.h"
#include "lib/service/control.h"
#include "test/system/wait.h"

// How long what is waited for may take: a program that has another bound defines it before.
#ifndef INITS_WAIT_US
#define INITS_WAIT_US 20000000
#endif
enum { INITS_LOOK_US = 5000 };

// control_kill or control_start of a child. Their errors, and those of opening the session.
MUST_CHECK static inline error_t child_do(error_t (*what)(struct service_client *, const char *),
                                          const char *path, const char *name)
{
    struct service_client init;
    error_t error = service_init(&init, "init", path, "", (struct service_quota){0, 0});
    if (error)
        return error;
    error = what(&init, name);
    service_close(&init);
    return error;
}

// Errors likewise; ENOTFOUND there is no such child.
MUST_CHECK static inline error_t child_find(const char *path, const char *name,
                                            struct control_child *child)
{
    struct service_client init;
    error_t error = service_init(&init, "init", path, "", (struct service_quota){0, 0});
    if (error)
        return error;
    error = control_find(&init, name, child);
    service_close(&init);
    return error;
}

// What the init has and uses. Errors likewise.
MUST_CHECK static inline error_t init_usage(const char *path, struct control_usage *usage)
{
    struct service_client init;
    error_t error = service_init(&init, "init", path, "", (struct service_quota){0, 0});
    if (error)
        return error;
    error = control_usage(&init, usage);
    service_close(&init);
    return error;
}

// Whether the configuration compiler takes the value for the item at `path`.
static inline bool config_takes(struct service_client *compiler, const char *path,
                                const char *value)
{
    static struct config_answer answer;
    error_t error = config_text_set(compiler, path, value, &answer);
    if (error || !answer.version)
        print("  set %s %s: %s %s\n", path, value, error_name(error), error ? "" : answer.errors);
    return !error && answer.version;
}

// Whether a child comes to be in that state, having been started again `least` to `most` times.
static inline bool child_reaches_within(const char *path, const char *name, enum child_state state,
                                        u32 least, u32 most)
{
    struct control_child child = {.state = CHILD_FAILED};
    error_t error = SUCCESS;
    for (u64 end = deadline_in_us(INITS_WAIT_US); rdtsc() < end; pause_us(INITS_LOOK_US)) {
        error = child_find(path, name, &child);
        if (!error && child.state == state && child.restarts >= least && child.restarts <= most)
            return true;
    }
    print("  \"%s\" of \"%s\": %s, state %u, %u restarts\n", name, path, error_name(error),
          child.state, child.restarts);
    return false;
}

static inline bool child_reaches(const char *path, const char *name, enum child_state state,
                                 u32 least)
{
    return child_reaches_within(path, name, state, least, ~0u);
}

// Whether there comes to be no such child.
static inline bool child_goes(const char *path, const char *name)
{
    struct control_child child;
    for (u64 end = deadline_in_us(INITS_WAIT_US); rdtsc() < end; pause_us(INITS_LOOK_US)) {
        if (child_find(path, name, &child) == ENOTFOUND)
            return true;
    }
    return false;
}

struct inits_session {
    const char *client, *service, *provider;
    bool found;
};

static inline bool inits_session_is(const struct control_session *s, void *context)
{
    struct inits_session *wanted = context;
    wanted->found = !strcmp(s->client, wanted->client) && !strcmp(s->service, wanted->service) &&
                    !strcmp(s->provider, wanted->provider);
    return !wanted->found;
}

// Whether there comes to be such a session; provider: "" the init itself, "parent", or a child.
static inline bool session_comes(const char *path, const char *client, const char *service,
                                 const char *provider)
{
    struct inits_session wanted = {client, service, provider, false};
    for (u64 end = deadline_in_us(INITS_WAIT_US); !wanted.found && rdtsc() < end;
         pause_us(INITS_LOOK_US)) {
        struct service_client init;
        if (service_init(&init, "init", path, "", (struct service_quota){0, 0}))
            continue;
        if (control_sessions(&init, inits_session_is, &wanted))
            wanted.found = false;
        service_close(&init);
    }
    if (!wanted.found)
        print("  no session of \"%s\" with \"%s\" of \"%s\"\n", client, service, provider);
    return wanted.found;
}
