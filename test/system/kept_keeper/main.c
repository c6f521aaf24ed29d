// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// A server whose sessions outlive it, for scenarios/kept: the sum of what each session has added
// stands in a table of its own that is kept. Beside that it keeps what it is told to.
#include "lib/rt/heap.h"
#include "lib/rt/print.h"
#include "lib/rt/string.h"
#include "lib/rt/sync.h"
#include "lib/rt/tsc.h"
#include "lib/service/env.h"
#include "lib/service/keep.h"
#include "lib/service/kept_table.h"
#include "lib/service/server.h"
#include "test/system/kept_keeper/operations.h"

enum { EXTRA_MAX = 64, BEAT_US = 50000, BEAT_PRIORITY = 100, BURN_PRIORITY = 10 };

struct record {
    u64 word[KEEPER_WORDS];
};

struct extra {
    struct kept kept;
    char name[KEEP_NAME_MAX];
};

static struct server server;
static struct mutex lock = MUTEX_INIT;
static struct kept kept = KEPT_NONE;
static struct kept_table table;
static struct extra extras[EXTRA_MAX];
static volatile bool silent;
static u64 torn, open_count;

static u64 sum_of(const struct record *r)
{
    for (unsigned i = 1; i < KEEPER_WORDS; i++)
        torn += r->word[i] != r->word[0];
    return r->word[0];
}

static error_t open(struct server_session *session, const char *label, const char *args)
{
    (void)label;
    if (!strcmp(args, "refuse"))
        return EPERM;
    mutex_lock(&lock);
    session->user = (void *)(word_t)(session->resumed ? 1 : 0);
    open_count++;
    mutex_unlock(&lock);
    return SUCCESS;
}

static void close(struct server_session *session)
{
    mutex_lock(&lock);
    kept_table_remove(&table, session->number);
    open_count--;
    mutex_unlock(&lock);
}

static error_t add(struct server_session *session, struct msg *m)
{
    word_t n = msg_get_word(m);
    struct record r;
    mutex_lock(&lock);
    const struct record *before = kept_table_find(&table, session->number);
    u64 sum = (before ? sum_of(before) : 0) + n;
    for (unsigned i = 0; i < KEEPER_WORDS; i++)
        r.word[i] = sum;
    error_t error = kept_table_put(&table, session->number, &r);
    mutex_unlock(&lock);
    if (error)
        return error;
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, sum);
    msg_put_word(m, (word_t)session->user);
    return SUCCESS;
}

static error_t info(struct msg *m)
{
    size_t position = 0;
    u64 records = 0, number;
    while ((number = kept_table_next(&table, &position))) {
        (void)sum_of(kept_table_find(&table, number));
        records++;
    }
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, kept.earlier);
    msg_put_word(m, kept.failures);
    msg_put_word(m, open_count);
    msg_put_word(m, records);
    msg_put_word(m, torn);
    return SUCCESS;
}

static void die(word_t how)
{
    switch ((enum keeper_death)how) {
    case KEEPER_FAULTS: __builtin_trap();
    case KEEPER_LEAVES: rt_exit(0);
    case KEEPER_FAILS: rt_exit(3);
    case KEEPER_FALLS_SILENT: silent = true; break;
    }
}

static struct extra *extra_find(const char *name)
{
    for (unsigned i = 0; i < EXTRA_MAX; i++) {
        if (extras[i].kept.ds != SEL_NONE && !strcmp(extras[i].name, name))
            return &extras[i];
    }
    return NULL;
}

static struct extra *extra_new(void)
{
    for (unsigned i = 0; i < EXTRA_MAX; i++) {
        if (extras[i].kept.ds == SEL_NONE)
            return &extras[i];
    }
    return NULL;
}

static error_t keep(const char *name, size_t bytes, struct msg *m)
{
    struct extra *e = extra_find(name);
    struct kept again = KEPT_NONE, *k = e ? &again : NULL;
    if (!e && (e = extra_new())) {
        strlcpy(e->name, name, sizeof(e->name));
        k = &e->kept;
    }
    if (!k)
        return ERESOURCE;
    error_t error = kept_open(k, e->name, bytes);
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, error);
    msg_put_word(m, k->bytes);
    msg_put_word(m, k->earlier);
    kept_close(&again);
    return SUCCESS;
}

static error_t drop(const char *name, struct msg *m)
{
    struct extra *e = extra_find(name);
    error_t error = kept_forget(name);
    if (e)
        kept_close(&e->kept);
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, error);
    return SUCCESS;
}

static void burn(void *argument)
{
    volatile u64 *at = argument;
    for (;;)
        at[1]++;
}

static error_t start_burning(struct extra *e, struct msg *m)
{
    static struct thread thread;
    error_t error =
        thread_create(&thread, hip()->cpu_count - 1, BURN_PRIORITY, "burn", burn, e->kept.data);
    for (u64 end = deadline_in_us(5000000); !error && rdtsc() < end;) {
        if (((volatile u64 *)e->kept.data)[1])
            break; // it does
        if (hip()->cpu_count == 1)
            break; // it will
    }
    msg_begin(m);
    msg_put_word(m, error);
    return SUCCESS;
}

// What is about something that is kept.
static error_t extra_dispatch(word_t operation, struct msg *m)
{
    char name[2 * KEEP_NAME_MAX];
    word_t a = 0, b = 0;
    if (operation != KEEPER_DROP && operation != KEEPER_GIVE && operation != KEEPER_BURN)
        a = msg_get_word(m);
    if (operation == KEEPER_POKE)
        b = msg_get_word(m);
    msg_get_string(m, name, sizeof(name));
    if (msg_error(m))
        return EPROTO;
    struct extra *e = extra_find(name);
    if (operation == KEEPER_KEEP)
        return keep(name, a, m);
    if (operation == KEEPER_DROP)
        return drop(name, m);
    if (!e || a > e->kept.bytes - sizeof(u64))
        return ENOTFOUND;
    if (operation == KEEPER_BURN)
        return start_burning(e, m);
    volatile u64 *at = (volatile u64 *)(void *)((char *)e->kept.data + a);
    if (operation == KEEPER_POKE)
        *at = b;
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    if (operation == KEEPER_GIVE)
        msg_put_item(m, item_delegate(crd(CRD_OBJ, e->kept.ds, 0, 0), 0, 0));
    else
        msg_put_word(m, *at);
    return SUCCESS;
}

static error_t dispatch(struct server_session *session, struct server_cpu *cpu, word_t operation,
                        struct msg *m)
{
    (void)cpu;
    switch (operation) {
    case KEEPER_ADD: return add(session, m);
    case KEEPER_INFO: return info(m);
    case KEEPER_DIE: die(msg_get_word(m)); break;
    case KEEPER_READY: parent_signal(SIGNAL_READY, 0); break;
    case KEEPER_KEEP:
    case KEEPER_DROP:
    case KEEPER_POKE:
    case KEEPER_PEEK:
    case KEEPER_GIVE:
    case KEEPER_BURN: return extra_dispatch(operation, m);
    default: return EPROTO;
    }
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    return SUCCESS;
}

static void beat(void *argument)
{
    (void)argument;
    sel_t never;
    if (semaphore_create(0, &never))
        return;
    while (!silent) {
        parent_signal(SIGNAL_HEARTBEAT, 0);
        (void)!hc_sm_down(never, deadline_in_us(BEAT_US));
    }
}

int main(void)
{
    static const struct server_ops ops = {.open = open, .close = close, .dispatch = dispatch};
    static struct thread beater;
    struct server_config config = {.name = "keeper", .resume = true, .kept = &table, .ops = &ops};
    for (unsigned i = 0; i < EXTRA_MAX; i++)
        extras[i].kept.ds = SEL_NONE;
    error_t error =
        kept_open(&kept, "sessions", kept_table_bytes(sizeof(struct record), KEEPER_RECORDS));
    if (!error) {
        bool there = kept_table_open(&table, kept.data, kept.bytes, sizeof(struct record));
        if (there != kept.earlier)
            print("keeper: the table %s, though it is %sfrom earlier\n", there ? "is" : "is not",
                  kept.earlier ? "" : "not ");
    }
    if (!error)
        error = thread_create(&beater, thread_cpu(), BEAT_PRIORITY, "beat", beat, NULL);
    if (!error)
        error = server_start(&server, &config);
    if (error) {
        print("keeper: %s\n", error_name(error));
        return 4;
    }
    server_run(&server);
}
