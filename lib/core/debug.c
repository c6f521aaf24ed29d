// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The client of init's service "debug" (debug.h).
#include "lib/core/debug.h"
#include "lib/core/message.h"
#include "lib/rt/selector.h"

error_t debug_events(struct service_client *debug, sel_t *lives, sel_t *exceptions)
{
    struct msg m;
    sel_t base = selector_alloc_range(1);
    if (base == SEL_NONE)
        return ERESOURCE;
    service_begin(debug, &m, DEBUG_EVENTS);
    error_t error = core_call(debug, &m, base, 1);
    if (!error && !core_arrived(&m, 2))
        error = EMEM;
    if (error) {
        core_drop_range(base, 1);
        return error;
    }
    *lives = base;
    *exceptions = base + 1;
    return SUCCESS;
}

error_t debug_state(struct service_client *debug, struct debug_state *state)
{
    struct msg m;
    service_begin(debug, &m, DEBUG_STATE);
    error_t error = core_call(debug, &m, SEL_NONE, 0);
    if (error)
        return error;
    state->lives = msg_get_word(&m);
    state->runs = msg_get_word(&m);
    state->ended = (enum child_state)msg_get_word(&m);
    state->exit_code = (int)msg_get_word(&m);
    msg_get_string(&m, state->binary, sizeof(state->binary));
    return msg_error(&m);
}

error_t debug_attach(struct service_client *debug, sel_t *domain, u64 *life, word_t *entry)
{
    struct msg m;
    service_begin(debug, &m, DEBUG_ATTACH);
    error_t error = core_take(debug, &m, domain);
    u64 which = error ? 0 : msg_get_word(&m);
    word_t at = error ? 0 : msg_get_word(&m);
    if (life)
        *life = which;
    if (entry)
        *entry = at;
    return error;
}

static error_t simple(struct service_client *debug, enum debug_operation operation)
{
    struct msg m;
    service_begin(debug, &m, operation);
    return core_call(debug, &m, SEL_NONE, 0);
}

error_t debug_release(struct service_client *debug)
{
    return simple(debug, DEBUG_RELEASE);
}

error_t debug_write(struct service_client *debug, word_t address, const void *data, size_t *bytes)
{
    struct msg m;
    service_begin(debug, &m, DEBUG_WRITE);
    msg_put_word(&m, address);
    msg_put_bytes(&m, data, *bytes < PD_MEMORY_MAX ? *bytes : PD_MEMORY_MAX);
    error_t error = core_call(debug, &m, SEL_NONE, 0);
    *bytes = error ? 0 : msg_get_word(&m);
    return error ? error : msg_error(&m);
}

error_t debug_kill(struct service_client *debug)
{
    return simple(debug, DEBUG_KILL);
}
