// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The server of doc/keeping.md.
#include "lib/rt/string.h"
#include "lib/rt/sync.h"
#include "lib/service/keep.h"
#include "lib/service/kept_table.h"
#include "lib/service/server.h"
#include "test/system/manual/manual.h"

// doc: server begin
// Adds up what each client brings. Whenever it is killed, its next life goes on with the same sums.
enum { CLIENTS = 16, FAILURES_MAX = 3 };

static struct kept kept;
static struct kept_table sums; // a u64 for each session
static struct mutex lock = MUTEX_INIT;

static error_t dispatch(struct server_session *session, struct server_cpu *cpu, word_t operation,
                        struct msg *m)
{
    (void)cpu;
    u64 sum = msg_get_word(m);
    if (operation != TALLY_ADD || msg_error(m))
        return EPROTO;
    mutex_lock(&lock);
    const u64 *before = kept_table_find(&sums, session->number);
    sum += before ? *before : 0;
    error_t error = kept_table_put(&sums, session->number, &sum); // whole, or not at all
    mutex_unlock(&lock);
    if (error)
        return error;
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, sum);
    return SUCCESS;
}

static void close(struct server_session *session)
{
    mutex_lock(&lock);
    kept_table_remove(&sums, session->number);
    mutex_unlock(&lock);
}

int main(void)
{
    static struct server server;
    static const struct server_ops ops = {.close = close, .dispatch = dispatch};
    struct server_config config = {.name = "tally",
                                   .sessions_max = CLIENTS,
                                   .session_bytes = kept_table_bytes(sizeof(u64), 1),
                                   .resume = true, // sessions of an earlier life are ours again
                                   .kept = &sums,  // and what belongs to none of them goes
                                   .ops = &ops};
    if (kept_open(&kept, "sums", kept_table_bytes(sizeof(u64), CLIENTS)))
        return 1;
    if (kept.failures > FAILURES_MAX)
        memset(kept.data, 0, kept.bytes); // maybe it was that which killed us
    kept_table_open(&sums, kept.data, kept.bytes, sizeof(u64));
    if (server_start(&server, &config))
        return 1;
    server_run(&server);
}
// doc: server end
