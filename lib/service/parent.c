// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The parent role's handlers: one local thread a CPU for all children, told apart by the identity
// word of their portals (parent.h). All requests run under parent->lock.
#include "lib/service/parent.h"
#include "lib/rt/heap.h"
#include "lib/rt/selector.h"
#include "lib/rt/start.h"
#include "lib/rt/string.h"
#include "lib/service/client.h"

enum { PSEUDONYM_ORDER = 9, PSEUDONYM_ORDER_MAX = 15 };

static struct parent_client *client_of(struct parent *parent, word_t identity)
{
    u32 index = (u32)identity - 1;
    if (index >= PARENT_CLIENTS_MAX)
        return NULL;
    struct parent_client *client = &parent->client[index];
    return client->live && client->generation == (u32)(identity >> 32) ? client : NULL;
}

error_t parent_do_req_kill(struct parent *parent, struct parent_client *client,
                           struct parent_cpu *cpu, struct msg *m)
{
    char name[SERVICE_LABEL_MAX];
    msg_get_string(m, name, sizeof(name));
    struct typed_item item = msg_get_item(m);
    if (msg_error(m))
        return EPROTO;
    if (!name[0] && parent->config.offers_above) // its length, 0, is the message's one word
        return parent_ask_above(parent, client, cpu, PARENT_REQ_KILL, 0, item, m);
    struct parent_pseudonym *p = parent_pseudonym_named(parent, item);
    // A service may name its own clients, nobody else's.
    struct parent_client *target = p && p->provider == client ? p->client : NULL;
    if (!name[0] && !target)
        return ENOTFOUND;
    if (!parent->config.policy->request_kill)
        return EPERM;
    return parent->config.policy->request_kill(parent, client, name, target);
}

error_t parent_do_signal(struct parent *parent, struct parent_client *client,
                         struct parent_cpu *cpu, struct msg *m)
{
    (void)cpu;
    word_t code = msg_get_word(m), value = msg_get_word(m);
    if (msg_error(m))
        return EPROTO;
    if (!parent->config.policy->signal)
        return EPERM;
    return parent->config.policy->signal(parent, client, code, value);
}

static error_t dispatch(struct parent *parent, struct parent_client *client, struct parent_cpu *cpu,
                        word_t operation, struct msg *m)
{
    switch (operation) {
    case PARENT_OPEN: return parent_do_open(parent, client, cpu, m);
    case PARENT_CLOSE: return parent_do_close(parent, client, cpu, m);
    case PARENT_GET_PORTAL: return parent_do_get_portal(parent, client, cpu, m);
    case PARENT_REGISTER: return parent_do_register(parent, client, cpu, m);
    case PARENT_UNREGISTER: return parent_do_unregister(parent, client, cpu, m);
    case PARENT_GET_QUOTA: return parent_do_get_quota(parent, client, cpu, m);
    case PARENT_SINGLETON: return parent_do_singleton(parent, client, cpu, m);
    case PARENT_REQ_KILL: return parent_do_req_kill(parent, client, cpu, m);
    case PARENT_SIGNAL: return parent_do_signal(parent, client, cpu, m);
    case PARENT_UPGRADE: return parent_do_upgrade(parent, client, cpu, m);
    case PARENT_KEEP: return parent_do_keep(parent, client, cpu, m);
    case PARENT_DROP: return parent_do_drop(parent, client, cpu, m);
    case PARENT_SESSIONS: return parent_do_sessions(parent, client, cpu, m);
    case PARENT_NUMBER: return parent_do_number(parent, client, cpu, m);
    default: return EPROTO;
    }
}

void parent_handle(struct parent *parent, struct parent_cpu *cpu, word_t identity, struct msg *m)
{
    word_t operation = msg_get_word(m);
    (void)msg_get_word(m);
    mutex_lock(&parent->lock);
    struct parent_client *client = client_of(parent, identity);
    error_t error = client ? dispatch(parent, client, cpu, operation, m) : EPERM;
    if (error || !m->words) {
        msg_begin(m);
        msg_put_word(m, error);
    }
    parent_unlock(parent);
}

// What the child delegated and nobody took.
static void window_clear(const struct parent_cpu *cpu, sel_t window)
{
    if (cpu->window == window)
        hc_revoke(SEL_PD, crd(CRD_OBJ, window, 1, RIGHT_ALL), REVOKE_SELF);
}

static void handle(word_t identity, struct msg *m)
{
    struct parent_cpu *cpu = thread_words()->argument;
    sel_t window = cpu->window;
    bool landed = false;
    for (unsigned i = 0; i < m->in_items; i++) {
        crd_t c = utcb_item(m->utcb, i)->crd;
        landed |= crd_kind(c) == CRD_OBJ && (crd_base(c) & ~1ul) == window;
    }
    parent_handle(cpu->parent, cpu, identity, m);
    if (landed)
        window_clear(cpu, window);
}
PORTAL_MESSAGE(parent_entry, handle);

__attribute__((naked)) void parent_portal_entry(void)
{
    __asm__ volatile("jmp %P0" ::"i"(parent_entry));
}

error_t parent_portals_create(struct parent *parent, struct parent_client *client)
{
    word_t identity = (client->index + 1) | (word_t)client->generation << 32;
    for (unsigned cpu = 0; cpu < parent->cpu_count; cpu++) {
        error_t error = portal_create_at(client->portals + cpu, &parent->cpu[cpu].thread,
                                         parent_portal_entry, 0, identity);
        if (error) {
            while (cpu-- > 0)
                hc_drop(client->portals + cpu);
            return error;
        }
    }
    return SUCCESS;
}

static error_t cpu_start(struct parent *parent, unsigned index)
{
    struct parent_cpu *cpu = &parent->cpu[index];
    cpu->parent = parent;
    cpu->cpu = index;
    error_t error = SUCCESS;
    if (parent->config.handlers)
        cpu->thread = parent->config.handlers[index];
    else
        error = thread_create_handler(&cpu->thread, index, parent->config.stack_bytes);
    if (error)
        return error;
    cpu->window = selector_alloc_range(1);
    if (cpu->window == SEL_NONE)
        return ERESOURCE;
    struct utcb *u = thread_utcb(&cpu->thread);
    ((struct thread_words *)u->user)->argument = cpu;
    u->window = crd(CRD_OBJ, cpu->window, 1, RIGHT_ALL);
    u->translate = CRD_ALL_OBJ;
    return SUCCESS;
}

error_t parent_start(struct parent *parent, const struct parent_config *config)
{
    memset(parent, 0, sizeof(*parent));
    parent->config = *config;
    if (!parent->config.pseudonym_order)
        parent->config.pseudonym_order = PSEUDONYM_ORDER;
    if (parent->config.pseudonym_order > PSEUDONYM_ORDER_MAX)
        return EPARAM;
    parent->lock = (struct mutex)MUTEX_INIT;
    parent->cpu_count = hip()->cpu_count;
    parent->closing = PARENT_NO_SLOT;
    u32 count = 1u << parent->config.pseudonym_order;
    error_t error = mutex_prepare(&parent->lock);
    if (error)
        return error;
    parent->first_pseudonym = selector_alloc_range(parent->config.pseudonym_order);
    if (parent->first_pseudonym == SEL_NONE)
        return ERESOURCE;
    parent->first_free = PARENT_NO_SLOT;
    parent->pseudonym_chunk =
        heap_zalloc((count / PSEUDONYM_CHUNK + 1) * sizeof(struct parent_pseudonym *));
    if (!parent->pseudonym_chunk)
        return EMEM;
    for (unsigned cpu = 0; cpu < parent->cpu_count && !error; cpu++)
        error = cpu_start(parent, cpu);
    return error; // a program that cannot be a parent ends: what was made goes with it
}
