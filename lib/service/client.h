// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The client's half of the parent and service protocols (001_5c4c3d5892c9ef36.txt, class
// GenericProtocol): call the service; on ECAP get its portal from the parent, on EEXISTS open a
// session, and again. What it costs when all is open is one portal call.
//
// Selectors of a handle, the seed's layout: base + 0 pseudonym, + 1 lock, + 2 session, + 3 … portal
// of each CPU. Threads may share a handle; the lock is only for opening and closing.
//
// A service that dies and comes back is found again without the caller's doing. One thing it must
// know: a call that was under way in the dying service returns EABORT, since nobody can say how far
// it got; the next call goes to the new service. `retry_aborted` repeats those too.
#pragma once

#include "lib/rt/start.h"
#include "lib/rt/sync.h"
#include "lib/rt/thread.h"
#include "lib/rt/utcb.h"
#include "lib/service/protocol.h"

enum service_selector {
    CLIENT_PSEUDONYM = 0,
    CLIENT_LOCK = 1,
    CLIENT_SESSION = 2,
    CLIENT_PORTAL = 3
};

// What a client donates to a service with a session: bytes of RAM, capability slots. The library
// donates at least what most sessions cost, learns what this one costs when it is opened, and gives
// more when a request is refused for lack of it, as far as the client's own accounts go. All of it
// returns when the session is closed.
struct service_quota {
    u64 ram, caps;
};

struct service_client {
    sel_t base;         // SEL_NONE: not in use
    u32 generation;     // counts repairs
    u16 flags;          // enum service_flag
    bool retry_aborted; // repeat calls that died with the service
    u8 order;           // of the selector range
    u8 scratch;         // distance from base down to a selector for the time of an opening
    bool denied;        // by the parent, when it was last asked
    bool fixed;         // to be set: nothing is donated beyond `quota`; ERESOURCE comes back
    bool impatient;     // to be set: ERETRY instead of waiting for a service that is not there
    sel_t parent;       // portals of the parent that is asked, + CPU; 0: SEL_PARENT
    sel_t named;        // the pseudonym at the parent, for who is its own
    u32 held;           // bit n: selector base + n holds something
    struct mutex lock;  // guards opening and closing
    const char *name, *label, *args; // the caller keeps them
    struct service_quota quota;      // donated, or to be
    struct service_quota missing;    // of an opening: what the service wants beside that
};
#define SERVICE_CLIENT_NONE                                                                        \
    {                                                                                              \
        .base = SEL_NONE                                                                           \
    }

// All that the program has donated with the sessions of its handles, and not got back.
extern struct service_quota service_donated;

// The capability slots that a client donates with every session at least: the pseudonym, and a
// portal of each CPU, if the service's sessions have such.
static inline u64 service_caps_least(void)
{
    return 1ul + hip()->cpu_count;
}

// Makes a handle for sessions of the service `name`; nothing is asked of anybody until the first
// call. The strings must stay. ERESOURCE: no selectors.
MUST_CHECK error_t service_init(struct service_client *client, const char *name, const char *label,
                                const char *args, struct service_quota quota);

// Opens the session now (the first call does it too). EPERM if denied, ERESOURCE, EINUSE; waits
// until the service exists.
MUST_CHECK error_t service_open(struct service_client *client);

// Donates that much more to the session and tells the service; to one that is not open, with the
// opening. ERESOURCE: the client's own account does not have it (its parent has reported that);
// ENOTFOUND: the session is gone. From the call's answer on the session has it.
MUST_CHECK error_t service_upgrade(struct service_client *client, struct service_quota more);

// Ends the session, gives the pseudonym back and frees the selectors. No thread may be in a call.
void service_close(struct service_client *client);

// What names the session to its service in a request about it (a translated item). It must be open.
static inline crd_t service_session_name(const struct service_client *client)
{
    bool portals = client->flags & SERVICE_SESSION_PORTALS;
    return crd(CRD_OBJ, client->base + (portals ? CLIENT_PORTAL + thread_cpu() : CLIENT_SESSION), 0,
               RIGHT_ALL);
}

// Starts a request in the calling thread's UTCB: operation, 0, and with translated sessions item 0.
// Opens the session if it is not. Continue with msg_put_*; the receive windows are the caller's to
// set. An error is kept in the message and returned by service_call.
void service_begin(struct service_client *client, struct msg *m, word_t operation);

// Sends it. Returns the first word of the response, or EPERM (denied), EABORT (see above), EPROTO;
// on SUCCESS `m` reads the response from word 1 on.
MUST_CHECK error_t service_call(struct service_client *client, struct msg *m);

// The slow parts. Not to be called directly. service_repair mends what `error` (ECAP, EEXISTS,
// EABORT) of a call begun at `generation` was about; it spoils the UTCB but for the windows.
error_t service_repair(struct service_client *client, error_t error, u32 generation);
error_t service_call_words_slow(struct service_client *client, word_t operation, word_t w[4],
                                error_t error, head_t h, u32 generation);
// After an answer ERESOURCE with head `h`: donates what it says is missing. SUCCESS: try again.
error_t service_pay(struct service_client *client, head_t h, u64 ram, u64 caps);

// A request of up to two words beside the operation, and as many words of response as registers
// hold, without touching the UTCB: w[2], w[3] in; w[1]–w[3] out, undefined unless SUCCESS.
HC_INLINE MUST_CHECK error_t service_call_words(struct service_client *client, word_t operation,
                                                word_t w[4])
{
    u32 generation = __atomic_load_n(&client->generation, __ATOMIC_ACQUIRE);
    word_t w2 = w[2], w3 = w[3];
    head_t h = head(4, 0);
    if (!(client->flags & (SERVICE_SESSION_PORTALS | SERVICE_STATELESS))) {
        *utcb_item(utcb(), 0) =
            item_translate(crd(CRD_OBJ, client->base + CLIENT_SESSION, 0, RIGHT_ALL));
        h = head(4, 1);
    }
    w[0] = operation;
    w[1] = 0;
    error_t error = hc_call(client->base + CLIENT_PORTAL + thread_cpu(), &h, w);
    if (LIKELY(!error)) {
        if (LIKELY(!w[0]))
            return SUCCESS;
        if (w[0] != EEXISTS && w[0] != ERESOURCE)
            return (error_t)w[0];
        error = (error_t)w[0];
    }
    word_t again[4] = {w2, w3, w[1], w[2]};
    error = service_call_words_slow(client, operation, again, error, h, generation);
    for (unsigned i = 0; i < 4; i++)
        w[i] = again[i];
    return error;
}

// The same with values: no words, one, two; results dropped but for the error.
static inline MUST_CHECK error_t service_call0(struct service_client *client, word_t operation)
{
    word_t w[4] = {0};
    return service_call_words(client, operation, w);
}
static inline MUST_CHECK error_t service_call1(struct service_client *client, word_t operation,
                                               word_t w2)
{
    word_t w[4] = {0, 0, w2, 0};
    return service_call_words(client, operation, w);
}
static inline MUST_CHECK error_t service_call2(struct service_client *client, word_t operation,
                                               word_t w2, word_t w3)
{
    word_t w[4] = {0, 0, w2, w3};
    return service_call_words(client, operation, w);
}

// Begins a request to the parent: what is put next is word 2.
static inline void parent_begin(struct msg *m, enum parent_operation operation)
{
    msg_begin(m);
    msg_put_word(m, operation);
    msg_put_word(m, 0);
}

// Calls the parent with a message whose word 0 is an enum parent_operation; returns the response's
// word 0 or the kernel's error, with `m` reading from word 1 on.
MUST_CHECK error_t parent_call(struct msg *m);
// CLOSE of a session that the parent granted, but whose pseudonym found no room here: by the
// selector that OPEN's answer names.
void parent_close_lost(word_t selector);
// SIGNAL to the parent.
error_t parent_signal(enum parent_signal code, word_t value);
// REQ_KILL of a child by name.
error_t parent_request_kill(const char *name);
