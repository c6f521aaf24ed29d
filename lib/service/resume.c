// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Sessions that outlive their server (doc/keeping.md). The parent has the pseudonyms that it gave
// to clients, with label, arguments, donation and number; a server's next life opens a session for
// each before anybody can call it. Its `open` finds by session->number what it kept of the session.
// When the client comes with its pseudonym, it gets the session that is there. What ends meanwhile
// the sweep after registration sees, as that of any client.
#include "lib/rt/selector.h"
#include "lib/service/kept_table.h"
#include "lib/service/server.h"

bool server_session_claim(struct server_session *s)
{
    if (!__atomic_load_n(&s->resumed, __ATOMIC_RELAXED) ||
        !__atomic_exchange_n(&s->resumed, false, __ATOMIC_ACQ_REL))
        return false;
    __atomic_fetch_sub(&s->server->resumed_count, 1, __ATOMIC_RELAXED);
    return true;
}

static bool exists(struct server *server, u64 number)
{
    bool found = false;
    for (u32 i = 0; i < server->used_slots && !found; i++) {
        struct server_session *s = server_session_get(server, i, 0);
        if (!s)
            continue;
        found = s->number == number;
        server_session_put(s);
    }
    return found;
}

// Nobody has a session yet but those that have been resumed.
static void review(struct server *server, struct kept_table *kept)
{
    size_t position = 0;
    u64 number;
    while ((number = kept_table_next(kept, &position))) {
        if (!exists(server, number))
            kept_table_remove(kept, number);
    }
}

// Opens one. False if that does not go for reasons that may pass: its client comes, and opens it.
static bool resume_one(struct server *server, sel_t pseudonym, const struct server_quota *quota)
{
    struct server_session *s;
    struct server_cost missing;
    error_t error = server_session_create(server, pseudonym, quota, true, &s, &missing);
    if (error) {
        selector_drop(pseudonym);
        return error == EPERM; // its client hears of that when it comes, as for the first time
    }
    __atomic_fetch_add(&server->resumed_count, 1, __ATOMIC_RELAXED);
    server_session_put(s);
    return true;
}

void server_resume(struct server *server)
{
    const struct server_host *host = server->config.host;
    struct server_quota quota;
    u64 position = 0;
    sel_t pseudonym;
    bool all = true;
    error_t error = host->next ? SUCCESS : ENOTFOUND;
    while (!error) {
        error = host->next(server, &position, &pseudonym, &quota);
        if (!error && !resume_one(server, pseudonym, &quota))
            all = false;
    }
    // What belongs to none is left over, but only if we have seen all of them.
    if (server->config.kept && all && error == ENOTFOUND)
        review(server, server->config.kept);
}
