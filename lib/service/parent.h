// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The parent's half of the parent protocol, as sigma0 and init have it: clients (children),
// pseudonyms, services. A parent trusts no child: who calls is told by the identity word of the
// portals that it made for that child, which pseudonym is meant by a capability that only it gave
// out; all else is data to check.
//
// A pseudonym is a semaphore at selector first_pseudonym + index, so finding one is a subtraction.
// It belongs to the client that opened it and leads to one of three: a service that another child
// (or this program, "builtin") registers, or has yet to register; or a pseudonym of our own parent
// for the same purpose, whose capability we pass on ("forwarded").
//
// Waiting never happens in a handler: a client that asks for the portal of a service that is not
// there gets ERETRY and downs the pseudonym, which REGISTER ups.
//
// Locks: parent->lock guards all tables. It is held in all callbacks, and while our own parent is
// called; never while a service is called or told something.
#pragma once

#include "lib/rt/list.h"
#include "lib/rt/sync.h"
#include "lib/rt/thread.h"
#include "lib/service/protocol.h"
#include "lib/service/server.h"

enum { PSEUDONYM_CHUNK = 32 };
enum { PARENT_CLIENTS_MAX = 256, PARENT_SERVICES_MAX = 128, PARENT_SHORT_TEXT = 56 };
#define PARENT_NO_SLOT 0xffffffffu

struct parent;

struct parent_client {
    struct list pseudonyms;
    void *user;    // the policy's
    sel_t portals; // + CPU: the portals made for this child; delegate them to SEL_PARENT + CPU
    u32 index, generation;
    u32 pseudonym_count;
    u32 pseudonym_limit; // sessions that it may have; set by parent_client_add, may be changed
    bool live;
};

struct parent_service {
    char name[SERVICE_NAME_MAX];
    struct parent_client *owner; // NULL: builtin
    struct server *builtin;
    sel_t portal[MAX_CPUS]; // SEL_NONE: not offered on that CPU
    sel_t event;
    u32 flags;
    bool live, above; // above: offered to our own parent
};

struct parent_pseudonym {
    struct list in_client;
    struct parent_client *client;     // NULL: the slot is free
    struct parent_client *provider;   // whose service it is; NULL: builtin or forwarded
    struct parent_service *service;   // NULL: not registered (yet, or any more)
    sel_t forwarded_portal[MAX_CPUS]; // of our parent's service, for this pseudonym alone
    // Service name, label, arguments, and label and arguments as they were asked for, one after the
    // other: in `short_text`, or on the heap.
    char *text, short_text[PARENT_SHORT_TEXT];
    u16 label_at, args_at, asked_at;
    u64 ram, caps;
    u64 number;          // of the session: no other ever has it
    u32 index;           // of the slot
    u32 next_free;       // in the free list or that of what is being closed
    u32 forwarded_flags; // enum service_flag of our parent's service
    bool forwarded;
    bool claimed;        // SINGLETON: its client's one session
    bool reported;       // for the policy: said to a person that it waits
    struct server *told; // being closed: the builtin service that is to be told
    u64 waiting_since;   // TSC of the first answer ERETRY; 0: the client does not wait
};

enum parent_route_kind { ROUTE_DENY, ROUTE_CHILD, ROUTE_BUILTIN, ROUTE_PARENT };

// What a client gives a session, or gets back.
struct parent_donation {
    u64 ram, caps;
    enum parent_route_kind route;
    struct parent_client *provider; // of ROUTE_CHILD
    bool first;                     // with the session itself, not an upgrade of it
};

// OPEN, as asked and, changed by the policy, as done.
struct parent_open {
    char name[SERVICE_NAME_MAX];
    char label[SERVICE_LABEL_MAX];
    char args[SERVICE_ARGS_MAX];
    u64 ram, caps;
    enum parent_route_kind route;   // to be set; ROUTE_DENY before
    struct parent_client *provider; // for ROUTE_CHILD: whose
    // Label and arguments as asked, one after the other: parent_open.c's.
    char asked[SERVICE_LABEL_MAX + SERVICE_ARGS_MAX];
    size_t asked_bytes;
};

// GET_QUOTA of a child about itself: what it may still donate, of how much RAM, and the slots of
// our own domain (by which a child can add up what the system has).
struct parent_quota {
    u64 ram, caps, ram_limit, own_caps;
    u64 all_ram, system_ram; // that we have; of which the kernel's and boot modules'
};

// KEEP, as asked (bytes, 0: what there is) and as granted.
struct parent_kept {
    char name[KEEP_NAME_MAX];
    u64 bytes; // also if it was refused for its size: those that there are
    bool earlier;
    u32 failures;
    sel_t dataspace; // of ours, to be delegated
};

struct parent_policy {
    // Decides on OPEN: sets route (and provider), rewrites name, label, args, takes ram and caps
    // from the child's account. An error other than SUCCESS denies with that error.
    error_t (*open)(struct parent *parent, struct parent_client *client, struct parent_open *open);
    // UPGRADE of a session of the service `name`: takes from the account what *more says or, where
    // that is not there, what *least says, and leaves in *more what it took. ERESOURCE.
    error_t (*upgrade)(struct parent *parent, struct parent_client *client, const char *name,
                       const struct parent_donation *least, struct parent_donation *more);
    // A session's end: gives back. Also if `open` or `upgrade` succeeded and the rest failed.
    void (*closed)(struct parent *parent, struct parent_client *client,
                   const struct parent_donation *donation);
    // May this child offer that service? NULL: no.
    bool (*may_register)(struct parent *parent, struct parent_client *client, const char *name);
    // REQ_KILL: `name` is empty if `target` is given. Must not destroy anything at once: queue it.
    error_t (*request_kill)(struct parent *parent, struct parent_client *client, const char *name,
                            struct parent_client *target);
    // With offers_above, before a service's question about a session is passed on: what the client
    // gave came to us. Optional.
    void (*asks_above)(struct parent *parent, struct parent_client *client);
    // GET_QUOTA of a child about itself. Optional.
    void (*quota)(struct parent *parent, struct parent_client *client, struct parent_quota *quota);
    // KEEP and DROP (doc/keeping.md). Optional: EFEATURE. Errors as in protocol.h.
    error_t (*keep)(struct parent *parent, struct parent_client *client, struct parent_kept *kept);
    error_t (*drop)(struct parent *parent, struct parent_client *client, const char *name);
    // SIGNAL. Must not destroy anything at once.
    error_t (*signal)(struct parent *parent, struct parent_client *client, word_t code,
                      word_t value);
};

struct parent_config {
    unsigned pseudonym_order; // 2^n pseudonyms in all; 0 = 9
    const struct parent_policy *policy;
    size_t stack_bytes; // of the handlers; 0 = 16 KiB
    bool has_parent;    // false for sigma0
    // What children offer is offered to our own parent, within what that allows us; so who has
    // sessions with them it knows, and answers what they ask about these.
    bool offers_above;
    // Threads to take as handlers, one a CPU, instead of creating them; and where the portals of
    // the first client go. NULL and 0: created, and anywhere.
    const struct thread *handlers;
    sel_t first_portals;
};

// Where the portals' instruction pointer is: for who logs their creation.
extern void parent_portal_entry(void);

struct parent_cpu {
    struct parent *parent;
    unsigned cpu;
    struct thread thread;
    sel_t window; // two selectors, aligned
};

struct parent {
    struct parent_config config;
    void *user;
    struct mutex lock;
    unsigned cpu_count;
    sel_t first_pseudonym;
    u32 first_free, closing; // lists of pseudonyms, PARENT_NO_SLOT at the end
    u64 sessions;            // that were ever opened
    u32 pseudonyms_made; // slots that were ever in use; memory comes for PSEUDONYM_CHUNK at once
    struct parent_pseudonym **pseudonym_chunk;
    struct parent_client client[PARENT_CLIENTS_MAX];
    struct parent_service service[PARENT_SERVICES_MAX];
    struct parent_cpu cpu[MAX_CPUS];
};

// The slot `index` < pseudonyms_made; it is in use if it has a client.
static inline struct parent_pseudonym *parent_pseudonym_at(const struct parent *parent, u32 index)
{
    return &parent->pseudonym_chunk[index / PSEUDONYM_CHUNK][index % PSEUDONYM_CHUNK];
}

// Creates handlers on all CPUs and the tables. ERESOURCE, EMEM.
MUST_CHECK error_t parent_start(struct parent *parent, const struct parent_config *config);

// Enters a child and makes its portals (client->portals + CPU). ERESOURCE, EMEM.
MUST_CHECK error_t parent_client_add(struct parent *parent, void *user,
                                     struct parent_client **client);
// A child is gone: its portals, pseudonyms and services go, and the sessions that others have with
// these, or wait for; whoever is concerned is told.
void parent_client_remove(struct parent *parent, struct parent_client *client);

// A child begins a new life: as parent_client_remove, but the client stays, gets fresh portals, and
// sessions that others have with its services wait for it to register them anew. ERESOURCE, EMEM.
MUST_CHECK error_t parent_client_restart(struct parent *parent, struct parent_client *client);

// The services that a server of this very program offers: put `.host = parent_host(parent)` into
// its struct server_config. One struct parent a program.
const struct server_host *parent_host(struct parent *parent);

// Ends one session by force, as if the client had closed it. Under parent->lock.
void parent_pseudonym_close(struct parent *parent, struct parent_pseudonym *pseudonym);
// For parent_client.c: gives the memory of a pseudonym's text back.
void parent_pseudonym_text_free(struct parent_pseudonym *pseudonym);
// What a pseudonym's client gave.
struct parent_donation parent_pseudonym_donation(const struct parent_pseudonym *pseudonym);
// Gives parent->lock back, and tells builtin services of the sessions that were closed under it.
// All who take the lock end with this; who closes nothing may as well unlock it.
void parent_unlock(struct parent *parent);
// Looks up a registered service; NULL if there is none. Under parent->lock.
struct parent_service *parent_service_find(struct parent *parent, struct parent_client *owner,
                                           const char *name);
// Puts the name of who asks before the label that it asked for, with an arrow between them, so that
// labels show the path in the tree. What does not fit into SERVICE_LABEL_MAX is cut off at the end.
void parent_label_below(char *label, const char *name);
// A pseudonym's service name, label and arguments.
static inline const char *parent_pseudonym_name(const struct parent_pseudonym *p)
{
    return p->text;
}
static inline const char *parent_pseudonym_label(const struct parent_pseudonym *p)
{
    return p->text + p->label_at;
}
static inline const char *parent_pseudonym_args(const struct parent_pseudonym *p)
{
    return p->text + p->args_at;
}
// What the client asked for, before the policy changed it.
static inline const char *parent_pseudonym_asked_label(const struct parent_pseudonym *p)
{
    return p->text + p->asked_at;
}
const char *parent_pseudonym_asked_args(const struct parent_pseudonym *p);

// A client's portals, for parent_client.c: none is left on failure.
MUST_CHECK error_t parent_portals_create(struct parent *parent, struct parent_client *client);

// One request, for the handlers and for tests: `identity` is the portal's word, `m` reads the
// request and becomes the response.
void parent_handle(struct parent *parent, struct parent_cpu *cpu, word_t identity, struct msg *m);

// The operations, for parent_handle: under parent->lock, `m` reads from word 2 on. What they return
// is sent alone if it is not SUCCESS.
typedef error_t parent_operation_t(struct parent *parent, struct parent_client *client,
                                   struct parent_cpu *cpu, struct msg *m);
parent_operation_t parent_do_open, parent_do_close, parent_do_get_portal, parent_do_register,
    parent_do_unregister, parent_do_get_quota, parent_do_singleton, parent_do_req_kill,
    parent_do_signal, parent_do_upgrade, parent_do_keep, parent_do_drop, parent_do_sessions,
    parent_do_number;
// Whether a text has no control characters: names, labels and arguments stand in log lines, where
// no client is to begin a line of another's.
static inline bool parent_text_is_plain(const char *text)
{
    enum { DELETE = 0x7f };
    while ((unsigned char)*text >= ' ' && *text != DELETE)
        text++;
    return !*text;
}
// The pseudonym that a translated item names; NULL if none. Under parent->lock.
struct parent_pseudonym *parent_pseudonym_named(struct parent *parent, struct typed_item item);
// Links a pseudonym to its service if that is registered. Under parent->lock.
void parent_pseudonym_resolve(struct parent *parent, struct parent_pseudonym *pseudonym);
// parent_above.c, for a parent whose children's services are offered to its own parent. A portal
// and, behind it, an event semaphore, which stay where they are: EPERM and what else that answers.
MUST_CHECK error_t parent_offer_above(struct parent_service *service, word_t cpu, word_t flags,
                                      sel_t portal);
void parent_withdraw_above(const struct parent_service *service);
// A service asks about a pseudonym that leads to none of our children, with `word` before it: the
// answer is our own parent's, in `m`. ECAP: we did not give it out, so it has to come with the
// request, by delegation. EPERM: services are not offered there, so it has nothing to ask.
MUST_CHECK error_t parent_ask_above(struct parent *parent, struct parent_client *client,
                                    const struct parent_cpu *cpu, enum parent_operation operation,
                                    word_t word, struct typed_item pseudonym, struct msg *m);
// Whether a capability has come, and to that selector.
static inline bool parent_landed_at(struct typed_item item, sel_t sel)
{
    return crd_kind(item.crd) == CRD_OBJ && crd_base(item.crd) == sel;
}
// A selector is dropped, or soon another's: no reply that another CPU's handler has written and not
// sent yet gives it away. Under parent->lock.
static inline void parent_withdraw(struct parent *parent, sel_t sel)
{
    enum { ITEMS = 2 }; // no answer has more
    for (unsigned cpu = 0; cpu < parent->cpu_count; cpu++) {
        struct utcb *u = thread_utcb(&parent->cpu[cpu].thread);
        if (u != utcb()) // we have no reply yet
            reply_withdraw(u, ITEMS, CRD_OBJ, sel, 1);
    }
}
// Ends those of a client's services that the policy does not allow it any more. Under parent->lock.
void parent_services_review(struct parent *parent, struct parent_client *owner);
// A client's services end; sessions wait for its next life. Under parent->lock.
void parent_services_remove(struct parent *parent, struct parent_client *owner);
