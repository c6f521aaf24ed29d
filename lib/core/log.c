// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Log sessions (log.h).
#include "lib/core/log.h"
#include "lib/core/message.h"

enum { PIECE_BYTES = 1024 };

error_t log_write(struct service_client *log, const char *text, size_t length)
{
    error_t error = SUCCESS;
    for (size_t at = 0; at < length && !error; at += PIECE_BYTES) {
        struct msg m;
        service_begin(log, &m, LOG_WRITE);
        msg_put_bytes(&m, text + at, length - at < PIECE_BYTES ? length - at : PIECE_BYTES);
        error = service_call(log, &m);
    }
    return error;
}

error_t log_read(struct service_client *log, u64 *position, char *text, size_t size, size_t *length)
{
    struct msg m;
    service_begin(log, &m, LOG_READ);
    msg_put_word(&m, *position);
    error_t error = service_call(log, &m);
    if (error)
        return error;
    *position = msg_get_word(&m);
    *length = msg_get_bytes(&m, text, size);
    return msg_error(&m);
}

error_t log_watch(struct service_client *log, sel_t *semaphore)
{
    struct msg m;
    service_begin(log, &m, LOG_WATCH);
    return core_take(log, &m, semaphore);
}
