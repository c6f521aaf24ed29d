// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The judge of scenarios/quota: lets the good leaves measure, then the bad ones loose, then the
// good ones measure again. Under icount (scenarios/bench-quota) the figures are instructions, and
// the second must be the first.
#include "lib/rt/heap.h"
#include "lib/rt/selector.h"
#include "lib/rt/start.h"
#include "lib/rt/tsc.h"
#include "lib/service/control.h"
#include "lib/service/env.h"
#include "lib/service/server.h"
#include "test/system/check.h"
#include "test/system/exit.h"
#include "test/system/quota/operations.h"
#include "test/system/wait.h"

enum { GOOD = 2, ROUNDS = 2, LIVES = 4, WAIT_US = 60000000 };

struct leaf {
    enum leaf_kind kind;
    sel_t go;
    unsigned round; // of a good one: figures told, by FIGURES
};

static struct mutex lock = MUTEX_INIT;
static sel_t news;
static bool loose; // the bad may go at once
static sel_t waiting[LEAF_KINDS][8];
static unsigned waiting_count[LEAF_KINDS];
static u32 events[LEAF_KINDS], figures_told[ROUNDS];
static u64 figures[ROUNDS][FIGURES]; // the worst median of the good ones

static error_t enter(struct leaf *leaf, struct msg *m)
{
    word_t kind = msg_get_word(m);
    if (msg_error(m) || kind >= LEAF_KINDS || leaf->go != SEL_NONE)
        return EPROTO;
    error_t error = semaphore_create(0, &leaf->go);
    if (error)
        return error;
    leaf->kind = (enum leaf_kind)kind;
    mutex_lock(&lock);
    if (loose)
        hc_sm_up(leaf->go);
    else if (waiting_count[kind] < ARRAY_SIZE(waiting[kind]))
        waiting[kind][waiting_count[kind]++] = leaf->go;
    mutex_unlock(&lock);
    hc_sm_up(news);
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_item(m, item_delegate(crd(CRD_OBJ, leaf->go, 0, SM_DOWN), 0, 0));
    return SUCCESS;
}

static error_t figure(struct leaf *leaf, struct msg *m)
{
    word_t which = msg_get_word(m), value = msg_get_word(m);
    unsigned round = leaf->round++ / FIGURES;
    if (msg_error(m) || which >= FIGURES || round >= ROUNDS)
        return EPROTO;
    mutex_lock(&lock);
    if (value >> 32 > figures[round][which])
        figures[round][which] = value >> 32;
    figures_told[round]++;
    mutex_unlock(&lock);
    hc_sm_up(news);
    return SUCCESS;
}

static error_t dispatch(struct server_session *session, struct server_cpu *cpu, word_t operation,
                        struct msg *m)
{
    (void)cpu;
    struct leaf *leaf = session->user;
    if (operation == GATE_ENTER)
        return enter(leaf, m);
    error_t error = operation == GATE_FIGURE ? figure(leaf, m) : SUCCESS;
    if (operation == GATE_EVENT) {
        __atomic_fetch_add(&events[leaf->kind], 1, __ATOMIC_RELAXED);
        hc_sm_up(news);
    } else if (operation != GATE_FIGURE) {
        error = EPROTO;
    }
    if (error)
        return error;
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    return SUCCESS;
}

static bool fast(struct server_session *session, word_t w[4])
{
    (void)session;
    if (w[0] != GATE_ADD)
        return false;
    w[0] = SUCCESS;
    w[1] = w[2] + w[3];
    return true;
}

static error_t open(struct server_session *session, const char *label, const char *args)
{
    (void)label, (void)args;
    struct leaf *leaf = heap_zalloc(sizeof(*leaf));
    if (!leaf)
        return EMEM;
    leaf->go = SEL_NONE;
    session->user = leaf;
    return SUCCESS;
}

static void close(struct server_session *session)
{
    struct leaf *leaf = session->user;
    mutex_lock(&lock);
    for (unsigned i = 0; i < waiting_count[leaf->kind]; i++) {
        if (waiting[leaf->kind][i] == leaf->go)
            waiting[leaf->kind][i] = waiting[leaf->kind][--waiting_count[leaf->kind]];
    }
    mutex_unlock(&lock);
    selector_drop(leaf->go);
    heap_free(leaf);
}

static bool bad_enough(void)
{
    return events[LEAF_EXHAUSTS] >= 1 && events[LEAF_LEAKS] >= LIVES &&
           events[LEAF_CRASHES] >= LIVES;
}
static bool all_there(void)
{
    return waiting_count[LEAF_GOOD] == GOOD && waiting_count[LEAF_EXHAUSTS] &&
           waiting_count[LEAF_LEAKS] && waiting_count[LEAF_CRASHES];
}
static bool first_told(void)
{
    return figures_told[0] == GOOD * FIGURES;
}
static bool second_told(void)
{
    return figures_told[1] == GOOD * FIGURES;
}

static bool comes(bool (*condition)(void))
{
    bool there = false;
    for (u64 end = deadline_in_us(WAIT_US); !there && rdtsc() < end;) {
        mutex_lock(&lock);
        there = condition();
        mutex_unlock(&lock);
        if (!there)
            (void)!hc_sm_down(news, deadline_in_us(100000));
    }
    return there;
}

static void let_go(enum leaf_kind first, enum leaf_kind last)
{
    mutex_lock(&lock);
    for (unsigned kind = first; kind <= last; kind++) {
        for (unsigned i = 0; i < waiting_count[kind]; i++)
            hc_sm_up(waiting[kind][i]);
    }
    loose = last != LEAF_GOOD || loose;
    mutex_unlock(&lock);
}

static struct service_client control;

// Not in the moment in which init's own donation is granted and not noted yet.
static bool adds_up(void)
{
    struct control_usage u = {0};
    for (u64 end = deadline_in_us(PATIENCE_US); rdtsc() < end; pause_us(1000)) {
        if (!control_usage(&control, &u) && u.ram_own + u.ram_children + u.ram_left == u.ram_limit)
            return true;
    }
    print("  own %lu, children's %lu, left %lu, expected %lu in all\n", u.ram_own, u.ram_children,
          u.ram_left, u.ram_limit);
    return false;
}

static void bad_components_do_not_change_the_figures_of_the_good(void)
{
    CHECK(comes(all_there));
    let_go(LEAF_GOOD, LEAF_GOOD);
    CHECK(comes(first_told));
    CHECK(adds_up());
    let_go(LEAF_EXHAUSTS, LEAF_CRASHES);
    CHECK(comes(bad_enough));
    CHECK(adds_up());
    let_go(LEAF_GOOD, LEAF_GOOD);
    CHECK(comes(second_told));
    CHECK(adds_up());
    print("  %u lives crashed, %u leaked; median of a call %lu, then %lu; of an allocation %lu, "
          "then %lu\n",
          events[LEAF_CRASHES], events[LEAF_LEAKS], figures[0][FIGURE_CALL],
          figures[1][FIGURE_CALL], figures[0][FIGURE_MEMORY], figures[1][FIGURE_MEMORY]);
}

int main(void)
{
    static struct server server;
    static const struct server_ops ops = {
        .open = open, .close = close, .dispatch = dispatch, .fast = fast};
    struct server_config config = {.name = "gate",
                                   .flags = SERVICE_SESSION_PORTALS,
                                   .session_bytes = sizeof(struct leaf),
                                   .session_caps = 1,
                                   .ops = &ops};
    static const char *const keys[ROUNDS][FIGURES] = {{"quota_call_alone", "quota_alloc_alone"},
                                                      {"quota_call_beside", "quota_alloc_beside"}};
    static struct thread sweeper;
    if (semaphore_create(0, &news) || server_start(&server, &config) ||
        service_init(&control, "init", "", "", (struct service_quota){0, 0}) ||
        thread_create(&sweeper, thread_cpu(), 60, "sweeper", (void (*)(void *))server_run, &server))
        return 1;
    RUN(bad_components_do_not_change_the_figures_of_the_good);
    TESTS_DONE();
    for (unsigned i = 0; i < ROUNDS * FIGURES; i++)
        print("bench: %s %lu %lu instructions\n", keys[i / FIGURES][i % FIGURES],
              figures[i / FIGURES][i % FIGURES], figures[i / FIGURES][i % FIGURES]);
    print("bench: DONE\n");
    machine_exit(tests_failed != 0);
    return 0;
}
