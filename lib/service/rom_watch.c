// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Changing ROM modules and reports, the client's side (rom_watch.h).
#include "lib/service/rom_watch.h"
#include "lib/rt/dry.h"
#include "lib/rt/memory.h"
#include "lib/rt/selector.h"
#include "lib/rt/string.h"

enum { PART_MAX = 3072, COPY_TRIES = 100 };

error_t rom_watch_init(struct rom_watch *rom, const char *name, const char *label,
                       struct service_quota quota)
{
    rom->changed = SEL_NONE;
    return service_init(&rom->client, "rom", label, name, quota);
}

void rom_watch_close(struct rom_watch *rom)
{
    service_close(&rom->client);
    selector_drop(rom->changed);
    rom->changed = SEL_NONE;
}

error_t rom_watch_begin(struct rom_watch *rom)
{
    struct msg m;
    if (rom->changed == SEL_NONE)
        rom->changed = selector_alloc();
    else
        hc_drop(rom->changed); // a dead server's
    if (rom->changed == SEL_NONE)
        return ERESOURCE;
    crd_t window = utcb()->window, window2 = utcb()->window2;
    service_begin(&rom->client, &m, ROM_WATCH);
    utcb()->window = crd(CRD_OBJ, rom->changed, 0, RIGHT_ALL);
    utcb()->window2 = 0;
    error_t error = service_call(&rom->client, &m);
    utcb()->window = window;
    utcb()->window2 = window2;
    if (!error && !crd_kind(msg_get_item(&m).crd))
        error = rt_refused(EMEM);
    return error;
}

error_t rom_watch_wait(struct rom_watch *rom, u64 deadline)
{
    u64 taken;
    error_t error = hc_sm_down_zero(rom->changed, deadline, &taken);
    return error == SUCCESS || error == ETIMEOUT ? error : EABORT;
}

// One part into `to` (of `room` bytes; NULL: none is kept).
static error_t part(struct rom_watch *rom, word_t position, char *to, size_t room, word_t *total,
                    size_t *length)
{
    struct msg m;
    char bytes[PART_MAX];
    service_begin(&rom->client, &m, ROM_READ);
    msg_put_word(&m, position);
    error_t error = service_call(&rom->client, &m);
    if (error)
        return error;
    *total = msg_get_word(&m);
    (void)msg_get_word(&m);
    *length = msg_get_bytes(&m, bytes, sizeof(bytes));
    if (msg_error(&m) || position + *length > *total || (!*length && position < *total))
        return EPROTO;
    if (to && *length <= room)
        memcpy(to, bytes, *length);
    return SUCCESS;
}

// ERETRY: another version, or another life of the server, has come in between.
static error_t copy_once(struct rom_watch *rom, size_t most, char **data, size_t *size)
{
    word_t total = 0, now = 0;
    size_t length = 0, at = 0;
    error_t error = part(rom, 0, NULL, 0, &total, &length); // how large it is
    if (error)
        return error;
    if (total > most)
        return ERESOURCE;
    char *copy = memory_alloc(total + 1);
    if (!copy)
        return EMEM;
    do {
        error = part(rom, at, copy + at, total - at, &now, &length);
        if (!error && now != total)
            error = ERETRY;
        at += length;
    } while (!error && at < total);
    if (error)
        memory_free(copy, total + 1);
    *data = copy;
    *size = total;
    return error == EPROTO && at ? ERETRY : error;
}

error_t rom_copy(struct rom_watch *rom, size_t most, void **data, size_t *size)
{
    char *copy = NULL;
    error_t error = ERETRY;
    for (unsigned i = 0; i < COPY_TRIES && error == ERETRY; i++)
        error = copy_once(rom, most, &copy, size);
    *data = copy;
    return error;
}

error_t report_write(struct service_client *report, const void *data, size_t size)
{
    size_t position = 0;
    for (;;) {
        struct msg m;
        size_t length = size - position < PART_MAX ? size - position : PART_MAX;
        service_begin(report, &m, REPORT_WRITE);
        msg_put_word(&m, position);
        msg_put_word(&m, size);
        msg_put_bytes(&m, (const char *)data + position, length);
        error_t error = service_call(report, &m);
        position += length;
        if (error || position == size)
            return error;
    }
}

error_t report_clear(struct service_client *report)
{
    return service_call0(report, REPORT_CLEAR);
}
