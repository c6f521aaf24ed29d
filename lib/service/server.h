// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The server's half of the service protocol: handlers and portals of each CPU, registration, the
// session store, and the loop that notices clients that are gone.
//
// A session is found by its identity in constant time: with SERVICE_SESSION_PORTALS that is the
// identity word of its own portals, otherwise the selector of its semaphore, which the client names
// by a translated item. Both hold the session's index and the slot's generation (the semaphore in
// its counter), so that a call which began before its session ended never reaches the slot's next
// owner. Session slots live as long as the server. A session that ends while a call of it is under
// way on another CPU is freed by the last such call.
//
// A service does not learn who its client is: it holds a pseudonym, which it asks its parent about
// (GET_QUOTA), and which the parent revokes when the client is gone; the parent then ups the
// server's event semaphore, and server_sweep closes all sessions whose pseudonym has vanished.
//
// A session has two accounts, of RAM and of capability slots. Their limits are what the client has
// donated by its parent's word, so a client can never make a server pay: whatever a server holds
// for a session it charges before (server_charge), from the session's own books and kernel objects
// on. A request that an empty account refuses tells the client what is missing; it donates more,
// says UPGRADE, and asks again (doc/quotas.md).
//
// server->lock is held for the free list and for limits, and never while anybody is called.
#pragma once

#include "lib/rt/list.h"
#include "lib/rt/sync.h"
#include "lib/rt/thread.h"
#include "lib/service/protocol.h"

struct kept_table;
struct server;

// RAM in bytes, capability slots.
struct server_cost {
    u64 ram, caps;
};

struct server_session {
    void *user; // the service's own
    // Accounts: what the client donated, what is charged, the most that was charged at once.
    struct server_cost limit, used, high;
    struct server_cost donated; // by the parent's word when it was last asked
    struct server_cost missing; // of a charge that failed in the request under way
    u64 number;                 // by the parent's word; no other session of its clients ever has it
    bool resumed;               // opened for a client of an earlier life, which has not come since
    // The store's own:
    struct server *server;
    u32 index, generation;
    u32 users; // calls under way, + 1 while the session is open
    bool open;
    bool kept; // its portals stand, though nobody has them
    sel_t pseudonym;
    u32 next_free;
};

// One CPU's handler: where a dispatch callback finds what is its thread's own.
struct server_cpu {
    struct server *server;
    unsigned cpu;
    struct thread thread;
    sel_t portal;
    sel_t window; // a delegated capability lands here; server_take_item takes it over
};

struct server_ops {
    // A client opens a session, with the label and arguments that its parent vouches for. Sets
    // session->user. Any error denies it. Optional.
    error_t (*open)(struct server_session *session, const char *label, const char *args);
    // The session is over: free what session->user names. No call of it is under way. Optional.
    void (*close)(struct server_session *session);
    // A request: `m` reads from word 2 on (with translated sessions after item 0). The callback
    // calls msg_begin(m), puts SUCCESS or an error, then data. Not holding server->lock; calls of
    // one session may come from several CPUs at once. What it returns is sent alone if not SUCCESS.
    error_t (*dispatch)(struct server_session *session, struct server_cpu *cpu, word_t operation,
                        struct msg *m);
    // Optional, before `dispatch`: a request of registers alone. True if it was handled: then w[]
    // is the response's words 0–3 (w[0] = operation on entry).
    bool (*fast)(struct server_session *session, word_t w[4]);
};

// What a dispatch callback answers when there is nothing to tell but SUCCESS, which it returns.
static inline error_t server_done(struct msg *m)
{
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    return SUCCESS;
}

// What a server asks of its parent. NULL in struct server_config: by IPC. sigma0 and init give
// parent_host's functions (parent.h) for the services that they have built in.
struct server_quota {
    bool brief; // to be set: label and arguments are not wanted
    u64 ram, caps, number;
    char label[SERVICE_LABEL_MAX], args[SERVICE_ARGS_MAX];
};
struct server_host {
    error_t (*add)(struct server *server, unsigned cpu, sel_t portal, sel_t event);
    void (*remove)(struct server *server);
    error_t (*quota)(struct server *server, sel_t pseudonym, struct server_quota *quota);
    error_t (*singleton)(struct server *server, sel_t pseudonym, bool release);
    // The next of the sessions that clients have with the service, from *position (0 at first) on;
    // *pseudonym is a new selector. ENOTFOUND: no more. NULL: there never are any from before.
    error_t (*next)(struct server *server, u64 *position, sel_t *pseudonym,
                    struct server_quota *quota);
    bool pseudonym_translated; // the pseudonym is the parent's own capability: never dropped here
    void *user;
};

// What the store's own books of a session take.
enum { SERVER_SESSION_BYTES = 192, SERVER_CHUNK = 32, SERVER_KEPT = 4 };

struct server_config {
    const char *name;
    unsigned flags;        // enum service_flag
    unsigned sessions_max; // selectors are set aside for so many (0: 1,024), memory as they come
    size_t session_bytes;  // the price of a session, beside SERVER_SESSION_BYTES
    unsigned session_caps; // likewise, beside its pseudonym and its semaphore or portals
    size_t stack_bytes;    // of each handler; 0 = 16 KiB
    bool resume; // sessions of an earlier life are opened by server_start, before the service is
                 // offered (doc/keeping.md)
    struct kept_table *kept; // with `resume`, or NULL: what stands there under the numbers of
                             // sessions that have ended meanwhile is removed then
    const struct server_ops *ops;
    const struct server_host *host; // or NULL
};

struct server {
    struct server_config config;
    struct mutex lock;                     // guards the store's free list, opening and closing
    struct server_session **chunk;         // SERVER_CHUNK slots each
    u32 first_free, last_free, used_slots; // slots are reused first in, first out
    u32 open_count;
    u32 sweeps;                       // that have begun
    u32 resumed_count;                // sessions that are `resumed`; atomic
    unsigned cpu_count, portal_order; // session portals: 2^portal_order selectors each
    sel_t first_session;              // of semaphores, or of portals
    sel_t event;
    struct server_cpu cpu[MAX_CPUS];
    void *host_user; // for server_host
};

// Creates handlers and portals on all CPUs and offers the service. `config` is copied, what it
// points to stays. Errors: ERESOURCE, EMEM, and the parent's.
MUST_CHECK error_t server_start(struct server *server, const struct server_config *config);
// Waits for the parent's events for ever, closing sessions of clients that are gone. The usual end
// of a server's main.
NORETURN void server_run(struct server *server);
// Closes all sessions whose client is gone. server_run and each opening do it when there are
// events.
void server_sweep(struct server *server);
// For server_host: the session of this pseudonym, if there is one, is over.
void server_pseudonym_gone(struct server *server, sel_t pseudonym);
// Asks the parent to end the session's client (REQ_KILL): ENOTFOUND if it is gone, EPERM, EFEATURE
// for the services of a parent itself. It ends soon, not at once.
MUST_CHECK error_t server_request_kill(struct server_session *session);
// Takes the service back and closes all sessions. Not from a handler.
void server_stop(struct server *server);

// Charges what is held for a session against what its client donated, all of it or, with ERESOURCE,
// nothing; then the session remembers what is missing, and if the request fails with ERESOURCE, the
// client is told.
MUST_CHECK error_t server_charge_cost(struct server_session *session, struct server_cost cost);
void server_uncharge_cost(struct server_session *session, struct server_cost cost);
static inline MUST_CHECK error_t server_charge(struct server_session *session, u64 bytes)
{
    return server_charge_cost(session, (struct server_cost){bytes, 0});
}
static inline void server_uncharge(struct server_session *session, u64 bytes)
{
    server_uncharge_cost(session, (struct server_cost){bytes, 0});
}
static inline MUST_CHECK error_t server_charge_caps(struct server_session *session, u64 caps)
{
    return server_charge_cost(session, (struct server_cost){0, caps});
}
static inline void server_uncharge_caps(struct server_session *session, u64 caps)
{
    server_uncharge_cost(session, (struct server_cost){0, caps});
}
// Moves what one session may use to another. The caller has charged it to the giver, and uncharges
// it after.
void server_move_limit(struct server_session *from, struct server_session *to,
                       struct server_cost cost);
// Whether an item of a request names this session (client.h, service_session_name).
bool server_session_is(const struct server_session *session, crd_t name);

// Takes what names [first, first + count) out of a reply of up to `items` items that a handler has
// written and not sent yet, on another CPU or under a thread of higher priority: for who ends what
// was given to a client (ports; a selector, which may soon be another object's), before it is
// revoked. What has a life of its own does not need it (item_delegate_life).
static inline void reply_withdraw(struct utcb *u, unsigned items, enum crd_kind kind, u64 first,
                                  u64 count)
{
    for (unsigned i = 0; i < items; i++) {
        crd_t *place = &utcb_item(u, i)->crd, c = __atomic_load_n(place, __ATOMIC_RELAXED);
        if (UNLIKELY(crd_kind(c) == kind && crd_base(c) - first < count))
            __atomic_compare_exchange_n(place, &c, 0, false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_RELAXED); // else it is another's by now
    }
}
// The same of all handlers of a server. No call of the session whose it was is under way.
void server_withdraw(struct server *server, enum crd_kind kind, u64 first, u64 count);

// The store's, for server.c. server_session_get takes a reference by index (and generation, unless
// 0); NULL if there is no such session. server_session_close ends one.
struct server_session *server_session_get(struct server *server, u32 index, u32 generation);
void server_session_put(struct server_session *session);
void server_session_close(struct server_session *session, bool by_parent);
MUST_CHECK error_t server_store_create(struct server *server);
void server_store_destroy(struct server *server);
// Destroys the portals that closed sessions have left. When no more are opened.
void server_store_drop_kept(struct server *server);
// With the parent's word for the client; `pseudonym` is the session's on success. With a reference.
MUST_CHECK error_t server_session_create(struct server *server, sel_t pseudonym,
                                         const struct server_quota *quota, bool resumed,
                                         struct server_session **out, struct server_cost *missing);
// resume.c: opens the sessions that the parent still has from an earlier life.
void server_resume(struct server *server);
// resume.c: true for the first who calls it for a session that is `resumed`, which it is no more.
bool server_session_claim(struct server_session *session);
// An opening that fails with ERESOURCE says in *missing what the donation falls short of the price.
MUST_CHECK error_t server_session_open(struct server_cpu *cpu, head_t h, struct msg *m,
                                       struct server_cost *missing);
// UPGRADE: asks the parent what the session has by now. The parent's errors.
MUST_CHECK error_t server_session_upgrade(struct server_session *session);
extern const struct server_host server_ipc_host;    // asks the parent by IPC
extern const struct server_host server_resume_host; // likewise, also for the sessions' numbers
extern void server_session_entry(void);             // instruction pointer of all portals

// Takes over what the current request delegated (the handler's window gets a fresh selector); the
// item's crd names it. SEL_NONE if nothing came. What is not taken is dropped after the request.
sel_t server_take_item(struct server_cpu *cpu, struct typed_item item);
