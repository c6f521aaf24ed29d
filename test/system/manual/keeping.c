// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The examples of doc/keeping.md; the server is tally.c.
#include "lib/rt/string.h"
#include "lib/service/control.h"
#include "lib/service/keep.h"
#include "test/system/manual/manual.h"

// doc: note begin
// A note to our next life; *read is what an earlier one has left, "" if there was none.
error_t example_note(const char *text, char *read, size_t size)
{
    struct kept note;
    error_t error = kept_open(&note, "note", PAGE_SIZE);
    if (error)
        return error; // EPERM: the block has no `keep`
    strlcpy(read, note.earlier ? note.data : "", size);
    strlcpy(note.data, text, note.bytes);
    kept_close(&note); // it stays where it is
    return SUCCESS;
}
// doc: note end

// doc: client begin
static error_t add(struct service_client *tally, u64 n, u64 *sum)
{
    struct msg m;
    service_begin(tally, &m, TALLY_ADD);
    msg_put_word(&m, n);
    error_t error = service_call(tally, &m);
    *sum = msg_get_word(&m);
    return error ? error : msg_error(&m);
}

// The server is killed between two calls, and the client notices nothing: its session is the same,
// with the same sum.
error_t example_resumed(u64 *sum)
{
    struct service_quota none = {0, 0};
    struct service_client tally = SERVICE_CLIENT_NONE, init = SERVICE_CLIENT_NONE;
    error_t error = service_init(&tally, "tally", "", "", none);
    tally.retry_aborted =
        true; // a call that dies with the server is made again: it may count twice
    if (!error)
        error = add(&tally, 40, sum);
    if (!error)
        error = service_init(&init, "init", "", "", none);
    if (!error)
        error = control_kill(&init, "tally");
    if (!error)
        error = add(&tally, 2, sum); // waits for the next life, if need be
    service_close(&init);
    service_close(&tally);
    return error;
}
// doc: client end
