// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What init tells of accounts (control.h).
#include "lib/service/control.h"

enum { RAM_STEP = 64 * 1024, CAPS_STEP = 8, CAPS_MIN = 16 };

error_t control_usage(struct service_client *init, struct control_usage *u)
{
    struct msg m;
    service_begin(init, &m, INIT_USAGE);
    error_t error = service_call(init, &m);
    u64 *const words[] = {&u->kmem_used,    &u->kmem_limit,     &u->slots_used, &u->slots_limit,
                          &u->ram_left,     &u->ram_limit,      &u->ram_own,    &u->ram_children,
                          &u->parent_slots, &u->children_slots, &u->parent_ram, &u->system_ram};
    for (unsigned i = 0; i < ARRAY_SIZE(words); i++)
        *words[i] = msg_get_word(&m);
    return error ? error : msg_error(&m);
}

error_t control_quota(struct service_client *init, const char *name, struct control_quota *q)
{
    struct msg m;
    service_begin(init, &m, INIT_QUOTA);
    msg_put_string(&m, name);
    error_t error = service_call(init, &m);
    u64 *const words[] = {&q->ram.used,    &q->ram.limit,    &q->ram.most,
                          &q->ram.refused, &q->caps.used,    &q->caps.limit,
                          &q->caps.most,   &q->caps.refused, &q->refusals};
    for (unsigned i = 0; i < ARRAY_SIZE(words); i++)
        *words[i] = msg_get_word(&m);
    msg_get_string(&m, q->last, sizeof(q->last));
    return error ? error : msg_error(&m);
}

static u64 suggest(u64 most, u64 refused, u64 step)
{
    u64 enough = most > refused ? most : refused;
    return (enough + enough / 8 + step - 1) / step * step;
}

u64 control_suggest_ram(const struct control_quota *q)
{
    return suggest(q->ram.most, q->ram.refused, RAM_STEP);
}

u64 control_suggest_caps(const struct control_quota *q)
{
    u64 caps = suggest(q->caps.most, q->caps.refused, CAPS_STEP);
    return caps > CAPS_MIN ? caps : CAPS_MIN;
}
