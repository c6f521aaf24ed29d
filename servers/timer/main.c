// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// TIMER: a semaphore is upped when the time has come (protocol.h, TIMER_OPERATIONS;
// 000_7d6c79716bf8d028.txt, TimerService).
//
// All armed timers of all sessions stand in one queue; one thread sleeps until the first of them is
// due (the kernel's own deadline of a down), ups what is due and sleeps again. Arming a timer that
// becomes the first wakes it to look anew.
//
// A timer is named by its place in its session and, above that, a count of timers made: a number
// that a client kept from before FREE, or from before this server was started again, names nothing
// (ENOTFOUND), and not another thread's timer.
//
// What a session has made is charged to it, kernel semaphores included. One lock guards the queue
// and all sessions' tables; each hold of it fires FIRE_MAX timers at most.
#include "lib/rt/heap.h"
#include "lib/rt/print.h"
#include "lib/rt/selector.h"
#include "lib/rt/tsc.h"
#include "lib/service/server.h"
#include "servers/timer/clock.h"
#include "servers/timer/queue.h"

enum {
    PLACE_BITS = 16,
    PLACES_MAX = 1 << PLACE_BITS,
    PLACES_FIRST = 8,
    PERIOD_MIN_US = 50, // less would leave no time for anything else
    FIRE_MAX = 32,
};

struct timer_entry {
    struct queue_node node;
    u64 period; // TSC ticks, 0: fires once
    u32 number;
    sel_t sm;
};
static const struct server_cost timer_cost = {sizeof(struct timer_entry), 1};

struct timer_session {
    struct timer_entry **place;
    u32 places; // size of the table
    u32 first;  // what OPEN made, 0: nothing
};

static struct server server;
static struct mutex lock = MUTEX_INIT;
static struct queue queue;
static struct thread waiter;
static sel_t wake;
static u16 made; // counts timers; begins anywhere, so that numbers of another life are told apart

// Under `lock`. NULL if the session has no such timer.
static struct timer_entry *find(const struct timer_session *s, u32 number)
{
    u32 place = number & (PLACES_MAX - 1);
    struct timer_entry *t = place < s->places ? s->place[place] : NULL;
    return t && t->number == number ? t : NULL;
}

// Under `lock`. When it is due next, no more than once for what was slept through.
static void fire(struct timer_entry *t, u64 now)
{
    u64 due = t->node.deadline;
    queue_remove(&queue, &t->node);
    hc_sm_up(t->sm);
    if (t->period)
        queue_insert(&queue, &t->node, due + ((now - due) / t->period + 1) * t->period);
}

static void wait_and_fire(void *unused)
{
    (void)unused;
    for (;;) {
        unsigned fired = 0;
        struct queue_node *first;
        mutex_lock(&lock);
        u64 now = rdtsc(), deadline = DEADLINE_NEVER, taken;
        while ((first = queue_first(&queue)) && first->deadline <= now && fired++ < FIRE_MAX)
            fire(CONTAINER_OF(first, struct timer_entry, node), now);
        if (first)
            deadline = first->deadline;
        mutex_unlock(&lock);
        if (fired <= FIRE_MAX)
            (void)!hc_sm_down_zero(wake, deadline, &taken);
    }
}

// Under `lock`. A free place of the session's table, which grows at the session's cost.
static error_t place_find(struct server_session *session, u32 *place)
{
    struct timer_session *s = session->user;
    for (*place = 0; *place < s->places; ++*place) {
        if (!s->place[*place])
            return SUCCESS;
    }
    u32 places = s->places ? s->places * 2 : PLACES_FIRST;
    u64 bytes = (places - s->places) * sizeof(*s->place);
    if (places > PLACES_MAX)
        return ERESOURCE;
    error_t error = server_charge(session, bytes);
    if (error)
        return error;
    struct timer_entry **table = heap_resize(s->place, places * sizeof(*table));
    if (!table) {
        server_uncharge(session, bytes);
        return EMEM;
    }
    for (u32 i = s->places; i < places; i++)
        table[i] = NULL;
    s->place = table;
    s->places = places;
    return SUCCESS;
}

static void entry_destroy(struct server_session *session, struct timer_entry *t)
{
    selector_drop(t->sm);
    heap_free(t);
    server_uncharge_cost(session, timer_cost);
}

// An entry that is in no table yet.
static error_t entry_create(struct server_session *session, struct timer_entry **out)
{
    error_t error = server_charge_cost(session, timer_cost);
    if (error)
        return error;
    struct timer_entry *t = heap_zalloc(sizeof(*t));
    if (!t) {
        server_uncharge_cost(session, timer_cost);
        return EMEM;
    }
    error = semaphore_create(0, &t->sm);
    if (error) {
        entry_destroy(session, t);
        return error;
    }
    *out = t;
    return SUCCESS;
}

static error_t timer_make(struct server_session *session, bool first, struct msg *m)
{
    struct timer_session *s = session->user;
    struct timer_entry *t = NULL;
    u32 place;
    error_t error = entry_create(session, &t);
    if (error)
        return error;
    mutex_lock(&lock);
    struct timer_entry *old = first ? find(s, s->first) : NULL, *answer = old ? old : t;
    error = old ? SUCCESS : place_find(session, &place);
    if (!error && !old) {
        if (++made == 0)
            made = 1; // so that 0 is no timer's number
        t->number = (u32)made << PLACE_BITS | place;
        s->place[place] = t;
        if (first)
            s->first = t->number;
    }
    // Once it is in the table and the lock is free, another call may free it.
    word_t number = answer->number;
    sel_t sm = answer->sm;
    mutex_unlock(&lock);
    if (error || old)
        entry_destroy(session, t);
    if (error)
        return error;
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, number);
    msg_put_item(m, item_delegate(crd(CRD_OBJ, sm, 0, SM_DOWN | SM_UP), 0, 0));
    return SUCCESS;
}

static error_t timer_request(struct timer_session *s, u64 us, word_t which)
{
    bool absolute = which & TIMER_ABSOLUTE, periodic = which & TIMER_PERIODIC;
    if (which & ~(TIMER_ABSOLUTE | TIMER_PERIODIC | UINT32_MAX) || (absolute && periodic))
        return EPARAM;
    if (periodic && us && us < PERIOD_MIN_US)
        return EPARAM;
    mutex_lock(&lock);
    struct timer_entry *t = find(s, (u32)which);
    bool first = false;
    if (t) {
        queue_remove(&queue, &t->node);
        t->period = periodic ? tsc_from_us(us) : 0;
        if (absolute || us)
            queue_insert(&queue, &t->node, absolute ? clock_deadline(us) : deadline_in_us(us));
        first = queue_first(&queue) == &t->node;
    }
    mutex_unlock(&lock);
    if (first)
        hc_sm_up(wake);
    return t ? SUCCESS : ENOTFOUND;
}

static error_t timer_free(struct server_session *session, word_t number)
{
    struct timer_session *s = session->user;
    mutex_lock(&lock);
    struct timer_entry *t = number >> 32 ? NULL : find(s, (u32)number);
    if (t) {
        queue_remove(&queue, &t->node);
        s->place[t->number & (PLACES_MAX - 1)] = NULL;
    }
    mutex_unlock(&lock);
    if (!t)
        return ENOTFOUND;
    entry_destroy(session, t);
    return SUCCESS;
}

// What clients do often, in registers alone.
static bool fast(struct server_session *session, word_t w[4])
{
    switch (w[0]) {
    case TIMER_REQUEST_TIMER: w[0] = timer_request(session->user, w[2], w[3]); return true;
    case TIMER_REQUEST_TIME:
        w[0] = SUCCESS;
        w[1] = clock_since_start();
        w[2] = clock_wall();
        return true;
    default: return false;
    }
}

static error_t dispatch(struct server_session *session, struct server_cpu *cpu, word_t operation,
                        struct msg *m)
{
    (void)cpu;
    word_t number = operation == TIMER_FREE ? msg_get_word(m) : 0;
    if (msg_error(m))
        return EPROTO;
    switch (operation) {
    case TIMER_OPEN: return timer_make(session, true, m);
    case TIMER_CLONE: return timer_make(session, false, m);
    case TIMER_FREE:
        msg_begin(m);
        msg_put_word(m, timer_free(session, number));
        return SUCCESS;
    default: return EPROTO;
    }
}

static error_t session_open(struct server_session *session, const char *label, const char *args)
{
    (void)label, (void)args;
    session->user = heap_zalloc(sizeof(struct timer_session));
    return session->user ? SUCCESS : EMEM;
}

static void session_close(struct server_session *session)
{
    struct timer_session *s = session->user;
    for (u32 i = 0; i < s->places; i++) {
        if (s->place[i])
            (void)!timer_free(session, s->place[i]->number);
    }
    heap_free(s->place);
    heap_free(s);
}

static const struct server_ops ops = {
    .open = session_open, .close = session_close, .dispatch = dispatch, .fast = fast};

static int fail(const char *what, error_t error)
{
    print("timer: %s: %s\n", what, error_name(error));
    return 1;
}

int main(void)
{
    struct server_config config = {
        .name = "timer", .session_bytes = sizeof(struct timer_session), .ops = &ops};
    clock_init();
    made = (u16)(rdtsc() >> 8);
    error_t error = semaphore_create(0, &wake);
    if (!error)
        error = mutex_prepare(&lock);
    if (!error)
        error = thread_create(&waiter, thread_cpu(), PRIORITY_MAX, "waiter", wait_and_fire, NULL);
    if (error)
        return fail("cannot start the thread that waits", error);
    error = server_start(&server, &config);
    if (error)
        return fail("cannot offer the service", error);
    server_run(&server);
}
