// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What init tells of accounts (control.h).
#include "lib/service/control.h"

enum { RAM_STEP = 64 * 1024, CAPS_STEP = 8, CAPS_MIN = 16, KMEM_STEP = 16 * 1024 };

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
    struct control_account *const accounts[] = {&q->ram, &q->caps, &q->kmem};
    for (unsigned i = 0; i < ARRAY_SIZE(accounts); i++) {
        struct control_account *a = accounts[i];
        u64 *const words[] = {&a->used, &a->limit, &a->most, &a->refused, &a->own};
        for (unsigned k = 0; k < ARRAY_SIZE(words); k++)
            *words[k] = msg_get_word(&m);
    }
    q->refusals = msg_get_word(&m);
    msg_get_string(&m, q->last, sizeof(q->last));
    q->kept = msg_get_word(&m);
    q->keep = msg_get_word(&m);
    q->kept_count = msg_get_word(&m);
    return error ? error : msg_error(&m);
}

static u64 at_least(u64 value, u64 least)
{
    return value > least ? value : least;
}

static u64 round_up(u64 value, u64 step)
{
    return (value + step - 1) / step * step;
}

// `apart`: what of it is somebody else's to say.
static u64 suggest(const struct control_account *a, u64 apart, u64 step)
{
    u64 enough = at_least(a->most, a->refused);
    enough -= apart < enough ? apart : enough;
    // A few page tables more or less are a matter of addresses, and of what comes last of all.
    u64 spare = step == KMEM_STEP ? at_least(enough / 8, KMEM_STEP) : enough / 8;
    return round_up(enough + spare, step);
}

struct control_need control_suggest(const struct control_quota *q)
{
    return (struct control_need){suggest(&q->ram, 0, RAM_STEP),
                                 at_least(suggest(&q->caps, 0, CAPS_STEP), CAPS_MIN),
                                 suggest(&q->kmem, 0, KMEM_STEP)};
}

struct control_need control_suggest_init(const struct control_quota *q,
                                         const struct control_need *below,
                                         const struct control_need *now,
                                         const struct control_usage *u)
{
    // It sets its children's RAM aside as a whole; its own program is paid by who started it.
    u64 part = at_least(below->ram / (INIT_RAM_PART - 1) + 1, INIT_RAM_LEAST),
        known = u->ram_own + u->ram_children + u->ram_left,
        program = u->ram_limit > known ? u->ram_limit - known : 0;
    if (part > INIT_RAM_MOST)
        part = INIT_RAM_MOST;
    struct control_need need = control_suggest(q);
    need.ram = at_least(need.ram, round_up(below->ram + part + program, RAM_STEP));
    need.caps = suggest(&q->caps, now->caps, CAPS_STEP) + below->caps;
    need.kmem = suggest(&q->kmem, now->kmem, KMEM_STEP) + below->kmem;
    return need;
}
