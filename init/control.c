// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The service "init": what the children are and do, and their end and start by hand (protocol.h,
// INIT_OPERATIONS). Only a child with a route for it gets here.
#include "init/init.h"
#include "lib/rt/string.h"

enum { ENTRIES_MAX = 24, TEXT_MAX = 2048, SESSIONS_MAX = 12 };

static const char *const state_names[] = {
#define X(name, number) [number] = #name,
    CHILD_STATES(X)
#undef X
};

struct slots {
    u64 used, limit;
};

// Of a child: what its domain holds and what it donates.
static struct slots slots_of(struct child *child)
{
    u64 away = child->caps_given + child->fee_slots;
    struct slots s = {0, 0};
    account_sample(child);
    if (!child->domain_up || hc_pd_read(child->sel_pd, PD_READ_CAPS, &s.used, &s.limit))
        s = (struct slots){0, child->config.caps - (away < child->config.caps ? away : 0)};
    s.used += away;
    s.limit += away;
    return s;
}

static error_t list(struct msg *m)
{
    word_t first = msg_get_word(m);
    if (msg_error(m))
        return EPROTO;
    word_t last = first < child_count ? child_count : first;
    if (last - first > ENTRIES_MAX)
        last = first + ENTRIES_MAX;
    mutex_lock(&parent.lock);
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, child_count);
    msg_put_word(m, last - first);
    for (word_t i = first; i < last; i++) {
        struct child *child = &children[i];
        struct slots slots = slots_of(child);
        msg_put_word(m, child->state | (word_t)child->restarts << 32);
        msg_put_word(m, child->ram_used);
        msg_put_word(m, account_ram_limit(child));
        msg_put_word(m, child->ram_high);
        msg_put_word(m, slots.used);
        msg_put_word(m, slots.limit);
        msg_put_word(m, child->caps_high);
        msg_put_word(m, child->client ? child->client->pseudonym_count : 0);
        msg_put_string(m, child->config.name);
    }
    parent_unlock(&parent);
    return msg_error(m);
}

static error_t control(word_t operation, struct msg *m)
{
    char name[CONFIG_NAME_MAX];
    msg_get_string(m, name, sizeof(name));
    if (msg_error(m))
        return EPROTO;
    struct child *child = child_by_name(name);
    if (!child || !child->reserved)
        return ENOTFOUND;
    bool ends =
        __atomic_load_n(&child->notes, __ATOMIC_ACQUIRE) & (NOTE_KILL | NOTE_EXIT | NOTE_FAULT);
    if (operation == INIT_START && child->state == CHILD_RUNNING && !ends)
        return EINUSE;
    if (operation == INIT_KILL && child->state != CHILD_RUNNING)
        return ENOTFOUND;
    child_notify(child, operation == INIT_KILL ? NOTE_KILL : NOTE_START);
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    return SUCCESS;
}

// The whole text is made for each part of it; `position` counts its bytes.
static error_t report(struct msg *m)
{
    word_t position = msg_get_word(m);
    char text[TEXT_MAX];
    size_t kept = 0;
    word_t at = 0;
    if (msg_error(m))
        return EPROTO;
    for (unsigned i = 0; i < child_count; i++) {
        char line[160];
        const struct child *child = &children[i];
        size_t length =
            text_format(line, sizeof(line),
                        "child %s { state = %s; restarts = %u; ram = %lu; ram_limit = %lu; }\n",
                        child->config.name, state_names[child->state], child->restarts,
                        child->ram_used, child->config.ram_bytes);
        if (length >= sizeof(line))
            length = sizeof(line) - 1;
        if (at >= position && kept + length <= sizeof(text)) {
            memcpy(text + kept, line, length);
            kept += length;
        }
        at += length;
        if (at > position && kept + length > sizeof(text))
            break;
    }
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, position + kept);
    msg_put_bytes(m, text, kept);
    return SUCCESS;
}

// What the children's sessions have taken of our own account, and their domains of our slots.
static void taken(u64 *ram, u64 *image, u64 *caps)
{
    *ram = *image = *caps = 0;
    for (u32 i = 0; i < parent.pseudonyms_made; i++) {
        const struct parent_pseudonym *p = parent_pseudonym_at(&parent, i);
        if (p->client && p->forwarded)
            *ram += p->ram;
    }
    for (unsigned i = 0; i < child_count; i++) {
        u64 used, limit;
        if (children[i].pd_open)
            *image += children[i].pd.quota.ram;
        if (children[i].domain_up && !hc_pd_read(children[i].sel_pd, PD_READ_CAPS, &used, &limit))
            *caps += limit;
    }
    *ram += *image;
}

static error_t usage(struct msg *m)
{
    u64 kmem = 0, kmem_limit = 0, slots = 0, slots_limit = 0, ram, image, caps;
    struct env_account account;
    mutex_lock(&parent.lock); // nothing moves meanwhile
    taken(&ram, &image, &caps);
    u64 own = service_donated.ram - image;
    error_t error = env_account(&account);
    if (!error)
        error = hc_pd_read(SEL_PD, PD_READ_KMEM, &kmem, &kmem_limit);
    if (!error)
        error = hc_pd_read(SEL_PD, PD_READ_CAPS, &slots, &slots_limit);
    parent_unlock(&parent);
    if (error)
        return error;
    const word_t words[] = {SUCCESS,
                            kmem,
                            kmem_limit,
                            slots,
                            slots_limit,
                            account.ram_left,
                            account.ram_limit,
                            own,
                            ram,
                            account.parent_caps,
                            caps,
                            account.parent_ram,
                            account.system_ram};
    msg_begin(m);
    for (unsigned i = 0; i < ARRAY_SIZE(words); i++)
        msg_put_word(m, words[i]);
    return SUCCESS;
}

static error_t quota(struct msg *m)
{
    char name[CONFIG_NAME_MAX];
    msg_get_string(m, name, sizeof(name));
    struct child *child = msg_error(m) ? NULL : child_by_name(name);
    if (!child)
        return msg_error(m) ? EPROTO : ENOTFOUND;
    mutex_lock(&parent.lock);
    struct slots slots = slots_of(child);
    const word_t words[] = {SUCCESS,
                            child->ram_used,
                            account_ram_limit(child),
                            child->ram_high,
                            child->ram_wanted,
                            slots.used,
                            slots.limit,
                            child->caps_high,
                            child->caps_wanted,
                            child->refusal.count};
    msg_begin(m);
    for (unsigned i = 0; i < ARRAY_SIZE(words); i++)
        msg_put_word(m, words[i]);
    msg_put_string(m, child->refusal.text);
    parent_unlock(&parent);
    return SUCCESS;
}

static void session_put(struct msg *m, const struct parent_pseudonym *p)
{
    const struct child *client = p->client->user,
                       *provider = p->provider ? p->provider->user : NULL;
    msg_put_string(m, client->config.name);
    msg_put_string(m, parent_pseudonym_name(p));
    msg_put_string(m, p->forwarded ? "parent" : provider ? provider->config.name : "");
    msg_put_string(m, parent_pseudonym_label(p));
}

// A position is a slot of the table of pseudonyms: sessions that come and go meanwhile shift none.
static error_t sessions(struct msg *m)
{
    const struct parent_pseudonym *found[SESSIONS_MAX];
    word_t position = msg_get_word(m), last, count = 0;
    if (msg_error(m))
        return EPROTO;
    mutex_lock(&parent.lock);
    last = parent.pseudonyms_made;
    for (; position < last && count < SESSIONS_MAX; position++) {
        const struct parent_pseudonym *p = parent_pseudonym_at(&parent, (u32)position);
        if (p->client && !p->provider_gone)
            found[count++] = p;
    }
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, position);
    msg_put_word(m, count);
    for (word_t i = 0; i < count; i++)
        session_put(m, found[i]);
    parent_unlock(&parent);
    return msg_error(m);
}

static error_t dispatch(struct server_session *session, struct server_cpu *cpu, word_t operation,
                        struct msg *m)
{
    (void)session, (void)cpu;
    switch (operation) {
    case INIT_LIST: return list(m);
    case INIT_KILL:
    case INIT_START: return control(operation, m);
    case INIT_REPORT: return report(m);
    case INIT_USAGE: return usage(m);
    case INIT_QUOTA: return quota(m);
    case INIT_SESSIONS: return sessions(m);
    default: return EPROTO;
    }
}

const struct server_ops control_ops = {.dispatch = dispatch};
