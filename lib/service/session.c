// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The session store (server.h): slots that live as long as the server, reused first in, first out.
// They are made in chunks, as sessions come; a session's price pays for its slot.
//
// A slot's life: free; taken by server_session_open, which fills it and then publishes it (users 1,
// open); closed by whoever lowers `open` first, which ends its kernel objects, so that nobody can
// name it any more; freed by the last user. `generation` counts the lives of these objects, and
// what is given to the client names it: an answer to an opening that is under way when its session
// ends never gives away the objects of the slot's next one.
#include "lib/rt/dry.h"
#include "lib/rt/heap.h"
#include "lib/rt/selector.h"
#include "lib/rt/string.h"
#include "lib/service/server.h"

enum { SESSIONS_LIMIT = 1 << 15, SESSIONS_DEFAULT = 1024 };
#define NO_SLOT 0xffffffffu
#define NO_LIFE 0xffffffffu
_Static_assert(sizeof(struct server_session) <= SERVER_SESSION_BYTES, "the price of a slot");

static bool has_portals(const struct server *server)
{
    return server->config.flags & SERVICE_SESSION_PORTALS;
}

static unsigned store_order(const struct server *server)
{
    return selector_order(server->config.sessions_max) + server->portal_order;
}

error_t server_store_create(struct server *server)
{
    if (!server->config.sessions_max)
        server->config.sessions_max = SESSIONS_DEFAULT;
    u32 count = server->config.sessions_max, chunks = count / SERVER_CHUNK + 1;
    if (count > SESSIONS_LIMIT)
        return EPARAM;
    server->portal_order = has_portals(server) ? selector_order(server->cpu_count) : 0;
    server->first_session = selector_alloc_range(store_order(server));
    if (server->first_session == SEL_NONE)
        return ERESOURCE;
    server->chunk = heap_zalloc(chunks * sizeof(struct server_session *));
    if (!server->chunk) {
        selector_free_range(server->first_session, store_order(server));
        return EMEM;
    }
    server->first_free = server->last_free = NO_SLOT;
    return SUCCESS;
}

void server_store_destroy(struct server *server)
{
    for (u32 i = 0; i < server->used_slots; i += SERVER_CHUNK)
        heap_free(server->chunk[i / SERVER_CHUNK]);
    heap_free(server->chunk);
    selector_free_range(server->first_session, store_order(server));
}

static sel_t first_selector(const struct server_session *s)
{
    return s->server->first_session + (s->index << s->server->portal_order);
}

static struct server_session *slot_at(const struct server *server, u32 index)
{
    return &server->chunk[index / SERVER_CHUNK][index % SERVER_CHUNK];
}

// Under server->lock: a slot that never was in use.
static struct server_session *slot_make(struct server *server)
{
    u32 index = server->used_slots;
    struct server_session **chunk = &server->chunk[index / SERVER_CHUNK];
    if (index >= server->config.sessions_max)
        return NULL;
    if (!*chunk && !(*chunk = heap_zalloc(SERVER_CHUNK * sizeof(struct server_session))))
        return NULL;
    struct server_session *s = slot_at(server, index);
    s->index = index;
    s->generation = 1;
    s->server = server;
    __atomic_store_n(&server->used_slots, index + 1, __ATOMIC_RELEASE); // now it can be found
    return s;
}

// Under server->lock.
static struct server_session *slot_take(struct server *server)
{
    struct server_session *s;
    if (server->first_free != NO_SLOT) {
        s = slot_at(server, server->first_free);
        server->first_free = s->next_free;
        if (server->first_free == NO_SLOT)
            server->last_free = NO_SLOT;
    } else {
        s = slot_make(server);
    }
    server->open_count += s != NULL;
    return s;
}

static void slot_free(struct server_session *s)
{
    struct server *server = s->server;
    mutex_lock(&server->lock);
    s->user = NULL;
    s->limit = s->used = s->high = s->donated = s->missing = (struct server_cost){0, 0};
    s->next_free = NO_SLOT;
    if (server->last_free == NO_SLOT)
        server->first_free = s->index;
    else
        slot_at(server, server->last_free)->next_free = s->index;
    server->last_free = s->index;
    server->open_count--;
    mutex_unlock(&server->lock);
}

// The first slots keep their portals from one session to the next, at the server's own cost: they
// are only taken from the client, and get another identity.
static bool keeps_portals(const struct server_session *s)
{
    return has_portals(s->server) && s->index < SERVER_KEPT;
}

static bool portals_renew(const struct server_session *s)
{
    word_t identity = (s->index + 1) | (word_t)s->generation << 32;
    for (unsigned cpu = 0; cpu < s->server->cpu_count; cpu++)
        if (hc_pt_ctrl(first_selector(s) + cpu, identity))
            return false;
    return true;
}

// The session's own kernel objects; none of them is left on failure, but what it keeps.
static error_t objects_create(struct server_session *s)
{
    struct server *server = s->server;
    sel_t first = first_selector(s);
    if (s->kept)
        return SUCCESS;
    if (!has_portals(server))
        return hc_create_sm(first, s->generation, SEL_PD);
    word_t identity = (s->index + 1) | (word_t)s->generation << 32;
    for (unsigned cpu = 0; cpu < server->cpu_count; cpu++) {
        error_t error = portal_create_at(first + cpu, &server->cpu[cpu].thread,
                                         server_session_entry, 0, identity);
        if (error) {
            hc_revoke(SEL_PD, crd(CRD_OBJ, first, server->portal_order, RIGHT_ALL), REVOKE_SELF);
            return error;
        }
    }
    return SUCCESS;
}

static void objects_destroy(struct server_session *s)
{
    s->generation = s->generation + 1 == NO_LIFE ? 1 : s->generation + 1;
    s->kept = keeps_portals(s) && portals_renew(s);
    hc_revoke(SEL_PD, crd(CRD_OBJ, first_selector(s), s->server->portal_order, RIGHT_ALL),
              s->kept ? 0 : REVOKE_SELF);
}

void server_store_drop_kept(struct server *server)
{
    for (u32 i = 0; i < server->used_slots && i < SERVER_KEPT; i++) {
        struct server_session *s = slot_at(server, i);
        if (s->kept)
            hc_revoke(SEL_PD, crd(CRD_OBJ, first_selector(s), server->portal_order, RIGHT_ALL),
                      REVOKE_SELF);
        s->kept = false;
    }
}

// What the client gets: its session, or its portals. The life is that of the session if this is
// open yet when it has been read.
static void put_objects(const struct server_session *s, struct msg *m)
{
    sel_t first = first_selector(s);
    u32 life = __atomic_load_n(&s->generation, __ATOMIC_ACQUIRE);
    if (!__atomic_load_n(&s->open, __ATOMIC_ACQUIRE))
        life = NO_LIFE;
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, s->server->config.flags);
    if (!has_portals(s->server)) {
        msg_put_item(m, item_delegate_life(crd(CRD_OBJ, first, 0, 0), 0, life));
        return;
    }
    for (unsigned cpu = 0; cpu < s->server->cpu_count; cpu++)
        msg_put_item(m, item_delegate_life(crd(CRD_OBJ, first + cpu, 0, PT_CALL), cpu, life));
}

static void pseudonym_drop(const struct server *server, sel_t pseudonym)
{
    if (!server->config.host->pseudonym_translated)
        selector_drop(pseudonym);
}

// The pseudonym, and the session's semaphore or portals.
static struct server_cost price_of(const struct server *server)
{
    return (struct server_cost){SERVER_SESSION_BYTES + server->config.session_bytes,
                                server->config.session_caps + 1ul +
                                    (has_portals(server) ? server->cpu_count : 1u)};
}

// With a slot and the parent's word for the client.
static error_t session_fill(struct server_session *s, const struct server_quota *quota)
{
    struct server *server = s->server;
    s->limit = s->donated = (struct server_cost){quota->ram, quota->caps};
    s->number = quota->number;
    error_t error = server_charge_cost(s, price_of(server));
    if (!error)
        error = objects_create(s);
    if (error)
        return rt_refused(error);
    if (server->config.ops->open)
        error = server->config.ops->open(s, quota->label, quota->args);
    if (error)
        objects_destroy(s);
    return error;
}

static inline __attribute__((always_inline)) error_t
session_create(struct server *server, sel_t pseudonym, const struct server_quota *quota,
               bool resumed, struct server_session **out, struct server_cost *missing)
{
    const struct server_host *host = server->config.host;
    error_t error = SUCCESS;
    bool single = server->config.flags & SERVICE_SINGLETON;
    if (single && (error = host->singleton(server, pseudonym, false)))
        return error;
    mutex_lock(&server->lock);
    struct server_session *s = slot_take(server);
    mutex_unlock(&server->lock);
    error = ERESOURCE;
    if (!s)
        goto release;
    s->resumed = resumed;
    error = session_fill(s, quota);
    if (error)
        goto free_slot;
    s->pseudonym = pseudonym;
    __atomic_store_n(&s->users, 2, __ATOMIC_RELAXED);   // its being open, and this call
    __atomic_store_n(&s->open, true, __ATOMIC_SEQ_CST); // before the sweeps are read
    *out = s;
    return SUCCESS;
free_slot:
    *missing = s->missing;
    slot_free(s);
release:
    if (single)
        (void)!host->singleton(server, pseudonym, true);
    return error;
}

error_t server_session_create(struct server *server, sel_t pseudonym,
                              const struct server_quota *quota, bool resumed,
                              struct server_session **out, struct server_cost *missing)
{
    return session_create(server, pseudonym, quota, resumed, out, missing);
}

// Whether the client has a session here already: a retry, or a second thread of it.
static struct server_session *find_pseudonym(struct server *server, sel_t pseudonym)
{
    for (u32 i = 0; i < server->used_slots; i++) {
        struct server_session *s = server_session_get(server, i, 0);
        if (!s)
            continue;
        if (s->pseudonym == pseudonym)
            return s;
        server_session_put(s);
    }
    return NULL;
}

// One that was opened for its client before that one came (resume.c): it comes now.
static struct server_session *find_resumed(struct server *server, const struct server_quota *quota)
{
    if (LIKELY(!__atomic_load_n(&server->resumed_count, __ATOMIC_RELAXED)))
        return NULL;
    for (u32 i = 0; i < server->used_slots; i++) {
        struct server_session *s = server_session_get(server, i, 0);
        if (s && s->number == quota->number && server_session_claim(s))
            return s;
        if (s)
            server_session_put(s);
    }
    return NULL;
}

static bool alive(sel_t pseudonym)
{
    crd_t found;
    return !hc_lookup(crd(CRD_OBJ, pseudonym, 0, 0), &found) && found;
}

// Whether the client has gone since it asked. Of a parent's own service the pseudonym's place may
// be another's already, as a session's number tells.
static __attribute__((noinline)) bool has_gone(struct server *server,
                                               const struct server_session *s, sel_t pseudonym)
{
    struct server_quota now = {.brief = true};
    if (!server->config.host->pseudonym_translated)
        return !alive(pseudonym);
    return server->config.host->quota(server, pseudonym, &now) || now.number != s->number;
}

error_t server_session_open(struct server_cpu *cpu, head_t h, struct msg *m,
                            struct server_cost *missing)
{
    struct server *server = cpu->server;
    bool translated = server->config.host->pseudonym_translated;
    msg_receive(m, h, SERVICE_OPEN, 0, 0, 0);
    struct typed_item delegated = msg_get_item(m), named = msg_get_item(m);
    sel_t pseudonym = translated ? (sel_t)crd_base(named.crd) : server_take_item(cpu, delegated);
    struct server_session *s = NULL;
    u32 sweeps = __atomic_load_n(&server->sweeps, __ATOMIC_SEQ_CST);
    if (pseudonym == SEL_NONE || (translated && crd_kind(named.crd) != CRD_OBJ))
        return EPERM;
    if (server->open_count >= server->config.sessions_max)
        server_sweep(server);
    error_t error = SUCCESS;
    struct server_quota quota;
    quota.brief = false;
    quota.number = 0;
    if (translated)
        s = find_pseudonym(server, pseudonym);
    if (!s)
        error = server->config.host->quota(server, pseudonym, &quota);
    if (!error && !s && (s = find_resumed(server, &quota))) {
        pseudonym_drop(server, pseudonym); // it has one already
        (void)!server_session_upgrade(s);
    }
    if (!error && !s)
        error = session_create(server, pseudonym, &quota, false, &s, missing);
    if (error) {
        pseudonym_drop(server, pseudonym);
        return error;
    }
    // The client may have died meanwhile, and a sweep for it have passed before the session could
    // be seen. A later one sees it.
    if (__atomic_load_n(&server->sweeps, __ATOMIC_SEQ_CST) != sweeps &&
        has_gone(server, s, pseudonym))
        server_session_close(s, true);
    put_objects(s, m);
    server_session_put(s);
    return SUCCESS;
}

struct server_session *server_session_get(struct server *server, u32 index, u32 generation)
{
    if (UNLIKELY(index >= __atomic_load_n(&server->used_slots, __ATOMIC_ACQUIRE)))
        return NULL;
    struct server_session *s = slot_at(server, index);
    u32 users = __atomic_load_n(&s->users, __ATOMIC_RELAXED);
    do {
        if (UNLIKELY(!users || !__atomic_load_n(&s->open, __ATOMIC_ACQUIRE)))
            return NULL;
    } while (!__atomic_compare_exchange_n(&s->users, &users, users + 1, true, __ATOMIC_ACQUIRE,
                                          __ATOMIC_RELAXED));
    if (UNLIKELY((generation && s->generation != generation) || !s->open)) {
        server_session_put(s);
        return NULL;
    }
    return s;
}

void server_session_put(struct server_session *s)
{
    if (LIKELY(__atomic_sub_fetch(&s->users, 1, __ATOMIC_ACQ_REL)))
        return;
    if (s->server->config.ops->close)
        s->server->config.ops->close(s);
    slot_free(s);
}

void server_session_close(struct server_session *s, bool by_parent)
{
    struct server *server = s->server;
    if (!__atomic_exchange_n(&s->open, false, __ATOMIC_ACQ_REL))
        return;
    if (UNLIKELY(s->resumed))
        (void)server_session_claim(s);
    objects_destroy(s);
    if (!by_parent && server->config.flags & SERVICE_SINGLETON)
        (void)!server->config.host->singleton(server, s->pseudonym, true);
    pseudonym_drop(server, s->pseudonym);
    s->pseudonym = SEL_NONE;
    server_session_put(s);
}

void server_pseudonym_gone(struct server *server, sel_t pseudonym)
{
    __atomic_fetch_add(&server->sweeps, 1, __ATOMIC_SEQ_CST);
    struct server_session *s = find_pseudonym(server, pseudonym);
    if (!s)
        return;
    server_session_close(s, true);
    server_session_put(s);
}

void server_sweep(struct server *server)
{
    __atomic_fetch_add(&server->sweeps, 1, __ATOMIC_SEQ_CST);
    for (u32 i = 0; i < server->used_slots; i++) {
        struct server_session *s = server_session_get(server, i, 0);
        if (!s)
            continue;
        sel_t pseudonym = s->pseudonym;
        if (pseudonym != SEL_NONE && !alive(pseudonym))
            server_session_close(s, true);
        server_session_put(s);
    }
}

static void raise_limit(u64 *limit, u64 *donated, u64 now)
{
    if (now <= *donated)
        return; // nothing new, or another thread asked later
    __atomic_fetch_add(limit, now - *donated, __ATOMIC_RELAXED);
    *donated = now;
}

error_t server_session_upgrade(struct server_session *s)
{
    struct server *server = s->server;
    struct server_quota quota;
    quota.brief = true;
    error_t error = server->config.host->quota(server, s->pseudonym, &quota);
    if (error)
        return error;
    mutex_lock(&server->lock);
    raise_limit(&s->limit.ram, &s->donated.ram, quota.ram);
    raise_limit(&s->limit.caps, &s->donated.caps, quota.caps);
    mutex_unlock(&server->lock);
    return SUCCESS;
}

// Takes `amount`, or says how much is missing.
static u64 take(u64 *used, const u64 *limit, u64 amount)
{
    u64 now = __atomic_load_n(used, __ATOMIC_RELAXED);
    do {
        u64 most = __atomic_load_n(limit, __ATOMIC_RELAXED), left = most > now ? most - now : 0;
        if (amount > left)
            return amount - left;
    } while (!__atomic_compare_exchange_n(used, &now, now + amount, true, __ATOMIC_RELAXED,
                                          __ATOMIC_RELAXED));
    return 0;
}

static void note_high(u64 *high, const u64 *used)
{
    u64 now = __atomic_load_n(used, __ATOMIC_RELAXED);
    if (now > __atomic_load_n(high, __ATOMIC_RELAXED))
        __atomic_store_n(high, now, __ATOMIC_RELAXED);
}

error_t server_charge_cost(struct server_session *s, struct server_cost cost)
{
    u64 ram = cost.ram ? take(&s->used.ram, &s->limit.ram, cost.ram) : 0,
        caps = cost.caps ? take(&s->used.caps, &s->limit.caps, cost.caps) : 0;
    if (LIKELY(!ram && !caps)) {
        note_high(&s->high.ram, &s->used.ram);
        note_high(&s->high.caps, &s->used.caps);
        return SUCCESS;
    }
    server_uncharge_cost(s, (struct server_cost){ram ? 0 : cost.ram, caps ? 0 : cost.caps});
    s->missing = (struct server_cost){ram, caps};
    return ERESOURCE;
}

void server_uncharge_cost(struct server_session *s, struct server_cost cost)
{
    __atomic_fetch_sub(&s->used.ram, cost.ram, __ATOMIC_RELAXED);
    __atomic_fetch_sub(&s->used.caps, cost.caps, __ATOMIC_RELAXED);
}

void server_move_limit(struct server_session *from, struct server_session *to,
                       struct server_cost cost)
{
    __atomic_fetch_sub(&from->limit.ram, cost.ram, __ATOMIC_RELAXED);
    __atomic_fetch_sub(&from->limit.caps, cost.caps, __ATOMIC_RELAXED);
    __atomic_fetch_add(&to->limit.ram, cost.ram, __ATOMIC_RELAXED);
    __atomic_fetch_add(&to->limit.caps, cost.caps, __ATOMIC_RELAXED);
}

bool server_session_is(const struct server_session *s, crd_t name)
{
    return crd_kind(name) == CRD_OBJ && s->open &&
           crd_base(name) >> s->server->portal_order ==
               first_selector(s) >> s->server->portal_order;
}
