// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The client of service "config" (config_text.h). A part of the text is copied before it is
// visited, since a visitor may call and the answer stands in the UTCB.
#include "lib/service/config_text.h"
#include "lib/rt/string.h"

enum { PART_MAX = 3072 };

error_t config_text_show(struct service_client *config,
                         void (*visit)(const char *text, size_t length, void *context),
                         void *context)
{
    word_t position = 0, first = 0;
    for (;;) {
        struct msg m;
        char part[PART_MAX];
        service_begin(config, &m, CONFIG_SHOW);
        msg_put_word(&m, position);
        error_t error = service_call(config, &m);
        if (error)
            return error;
        word_t next = msg_get_word(&m), version = msg_get_word(&m);
        size_t length = msg_get_bytes(&m, part, sizeof(part));
        if (msg_error(&m) || next - position != length)
            return EPROTO;
        if (position && version != first)
            return ERETRY;
        if (!length)
            return SUCCESS;
        first = version;
        position = next;
        visit(part, length, context);
    }
}

static error_t call(struct service_client *config, struct msg *m, struct config_answer *answer)
{
    error_t error = service_call(config, m);
    if (error)
        return error;
    answer->version = msg_get_word(m);
    msg_get_string(m, answer->errors, sizeof(answer->errors));
    return msg_error(m);
}

error_t config_text_load(struct service_client *config, const char *text, size_t length,
                         struct config_answer *answer)
{
    size_t position = 0;
    for (;;) {
        struct msg m;
        size_t part = length - position < PART_MAX ? length - position : PART_MAX;
        service_begin(config, &m, CONFIG_LOAD);
        msg_put_word(&m, position);
        msg_put_word(&m, length);
        msg_put_bytes(&m, text + position, part);
        error_t error = call(config, &m, answer);
        position += part;
        if (error || position == length)
            return error;
    }
}

error_t config_text_set(struct service_client *config, const char *path, const char *value,
                        struct config_answer *answer)
{
    struct msg m;
    service_begin(config, &m, CONFIG_SET);
    msg_put_string(&m, path);
    msg_put_string(&m, value);
    return call(config, &m, answer);
}
