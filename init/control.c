// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The service "init": what the children are and do, and their end and start by hand (protocol.h,
// INIT_OPERATIONS). Only a child with a route for it gets here, or who is above if our parent lets
// us offer it there.
#include "init/init.h"
#include "lib/rt/heap.h"
#include "lib/rt/string.h"

enum { ENTRIES_MAX = 24, TEXT_MAX = 2048, SESSIONS_MAX = 12 };

static void row_put(struct msg *m, struct child *child)
{
    struct amount slots = peaks_amount(child, PD_READ_CAPS);
    peaks_sample(child);
    bool init = parent_service_find(&parent, child->client, "init");
    msg_put_word(m, child->state | (init ? CHILD_IS_INIT : 0) | (word_t)child->restarts << 32);
    msg_put_word(m, child->ram_used);
    msg_put_word(m, account_ram_limit(child));
    msg_put_word(m, child->ram_high);
    msg_put_word(m, slots.used);
    msg_put_word(m, slots.limit);
    msg_put_word(m, child->caps_peak.most);
    msg_put_word(m, child->client->pseudonym_count);
    msg_put_word(m, child->kept_bytes);
    msg_put_string(m, child->name);
}

static error_t list(struct msg *m)
{
    word_t first = msg_get_word(m), total = 0, here = 0;
    if (msg_error(m))
        return EPROTO;
    mutex_lock(&parent.lock);
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, 0);
    msg_put_word(m, 0);
    for (unsigned i = 0; i < child_count; i++) {
        if (children[i].present && total++ >= first && here < ENTRIES_MAX) {
            row_put(m, &children[i]);
            here++;
        }
    }
    parent_unlock(&parent);
    m->utcb->words[1] = total;
    m->utcb->words[2] = here;
    return msg_error(m);
}

static error_t control(word_t operation, struct msg *m)
{
    char name[CONFIG_NAME_MAX];
    msg_get_string(m, name, sizeof(name));
    if (msg_error(m))
        return EPROTO;
    mutex_lock(&parent.lock);
    struct child *child = child_by_name(name);
    error_t error = child && child->reserved ? SUCCESS : ENOTFOUND;
    if (!error) {
        bool ends = __atomic_load_n(&child->notes, __ATOMIC_ACQUIRE) & NOTES_END;
        if (operation == INIT_START && child->state == CHILD_RUNNING && !ends)
            error = EINUSE;
        if (operation == INIT_KILL && child->state != CHILD_RUNNING)
            error = ENOTFOUND;
        if (!error)
            child_notify(child, operation == INIT_KILL ? NOTE_KILL : NOTE_START);
    }
    parent_unlock(&parent);
    if (error)
        return error;
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    return SUCCESS;
}

// The whole text is made for each part of it; `position` counts its bytes.
static error_t report(struct msg *m)
{
    word_t position = msg_get_word(m);
    char text[TEXT_MAX];
    if (msg_error(m))
        return EPROTO;
    size_t length = state_text(text, sizeof(text), position, CONFIG_REPORT_ALL);
    length = length > position ? length - position : 0;
    if (length > sizeof(text))
        length = sizeof(text);
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, position + length);
    msg_put_bytes(m, text, length);
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
        if (children[i].pd_open)
            *image += children[i].pd.quota.ram;
        *image += keep_donated(&children[i]);
        const struct child *child = &children[i];
        if (child->domain_up)
            *caps += peaks_amount(child, PD_READ_CAPS).limit - child->caps_given - child->fee_slots;
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

static void quota_put(struct msg *m, struct child *child)
{
    struct amount caps = peaks_amount(child, PD_READ_CAPS),
                  kmem = peaks_amount(child, PD_READ_KMEM);
    peaks_sample(child);
    const struct peak *c = &child->caps_peak, *k = &child->kmem_peak;
    const word_t words[] = {SUCCESS,
                            child->ram_used,
                            account_ram_limit(child),
                            child->ram_high,
                            child->ram_wanted,
                            child->ram_limit,
                            caps.used,
                            caps.limit,
                            c->most,
                            c->wanted,
                            child->domain_up ? child->caps_own : child->config.caps,
                            kmem.used,
                            kmem.limit,
                            k->most,
                            k->wanted,
                            child->domain_up ? child->kmem_own : child->config.kmem_bytes,
                            child->refusal.count};
    msg_begin(m);
    for (unsigned i = 0; i < ARRAY_SIZE(words); i++)
        msg_put_word(m, words[i]);
    msg_put_string(m, child->refusal.text);
    msg_put_word(m, child->kept_bytes);
    msg_put_word(m, child->config.keep_bytes);
    msg_put_word(m, keep_count(child));
}

static error_t quota(struct msg *m)
{
    char name[CONFIG_NAME_MAX];
    msg_get_string(m, name, sizeof(name));
    if (msg_error(m))
        return EPROTO;
    mutex_lock(&parent.lock);
    struct child *child = child_by_name(name);
    if (child)
        quota_put(m, child);
    parent_unlock(&parent);
    return child ? SUCCESS : ENOTFOUND;
}

static void session_put(struct msg *m, const struct parent_pseudonym *p)
{
    const struct child *client = p->client->user,
                       *provider = p->provider ? p->provider->user : NULL;
    msg_put_string(m, client == &self ? "" : client->name);
    msg_put_string(m, parent_pseudonym_name(p));
    msg_put_string(m, p->forwarded ? "parent" : provider ? provider->name : "");
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
        if (p->client)
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

// A session that leads to an init further below, by its path in the arguments.
struct below {
    struct service_client client;
    char path[SERVICE_LABEL_MAX];
};

static error_t open(struct server_session *session, const char *label, const char *args)
{
    (void)label;
    if (!*args)
        return SUCCESS;
    struct below *below = heap_zalloc(sizeof(*below));
    if (!below)
        return EMEM;
    strlcpy(below->path, args, sizeof(below->path));
    error_t error =
        self_service_init(&below->client, "init", below->path, "", (struct service_quota){0, 0});
    if (error)
        heap_free(below);
    else
        session->user = below;
    return error;
}

// This may be in a handler that has its answer ready in the UTCB. And whoever is below might leave
// a capability in the handler's window, which then took nothing any more.
static void close(struct server_session *session)
{
    struct below *below = session->user;
    struct utcb_copy copy;
    if (!below)
        return;
    utcb_save(&copy);
    utcb()->window = utcb()->window2 = 0;
    service_close(&below->client);
    utcb_restore(&copy);
    heap_free(below);
}

// Passes a request on, and what comes back: words alone.
static error_t pass_on(struct below *below, word_t operation, struct msg *m)
{
    word_t words[UTCB_WORDS];
    unsigned count = m->in_words - m->next_word;
    struct msg n;
    memcpy(words, &m->utcb->words[m->next_word], count * sizeof(word_t));
    crd_t window = utcb()->window, window2 = utcb()->window2; // the handler's, as above
    utcb()->window = utcb()->window2 = 0;
    service_begin(&below->client, &n, operation);
    for (unsigned i = 0; i < count; i++)
        msg_put_word(&n, words[i]);
    error_t error = service_call(&below->client, &n);
    utcb()->window = window;
    utcb()->window2 = window2;
    if (error)
        return error;
    count = n.in_words;
    memcpy(words, n.utcb->words, count * sizeof(word_t));
    msg_begin(m);
    for (unsigned i = 0; i < count; i++)
        msg_put_word(m, words[i]);
    return SUCCESS;
}

static error_t dispatch(struct server_session *session, struct server_cpu *cpu, word_t operation,
                        struct msg *m)
{
    (void)cpu;
    if (session->user)
        return pass_on(session->user, operation, m);
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

const struct server_ops control_ops = {.open = open, .close = close, .dispatch = dispatch};
