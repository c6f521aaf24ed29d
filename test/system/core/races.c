// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Two CPUs do what excludes each other with one object, again and again: one of them has it, both
// get an answer, accounts are as before, and afterwards sigma0 serves as a fresh one does (a
// selector that was given back twice would show there as an occupied one).
#include "lib/core/dataspace.h"
#include "lib/core/signal.h"
#include "lib/rt/address.h"
#include "lib/rt/selector.h"
#include "lib/rt/start.h"
#include "lib/rt/thread.h"
#include "lib/rt/tsc.h"
#include "test/system/check.h"
#include "test/system/core/core.h"
#include "test/system/core/space.h"
#include "test/system/wait.h"

enum { MEBI = 1 << 20, ROUNDS = 60, KMEM = 128 << 10, SLOTS = 200 };

static struct service_client pd, cpu, rich;
static struct domain_client domain;
static sel_t object, second_object, portal;

// The two sides of a duel, and what each of them got. The right one is done by a thread of its own,
// on another CPU where there is one.
static error_t (*left)(void), (*right)(void);
static error_t got_left, got_right;
static volatile unsigned arrived;
static unsigned right_start; // turns of a loop before it begins
static struct thread right_thread;
static sel_t go, done;

static void begin_together(unsigned head_start)
{
    __atomic_fetch_add(&arrived, 1, __ATOMIC_ACQ_REL);
    for (unsigned i = 0; i < 1000 && arrived < 2; i++)
        __builtin_ia32_pause();
    for (volatile unsigned i = 0; i < head_start; i++)
        ;
}

static void right_side(void *unused)
{
    (void)unused;
    while (!hc_sm_down(go, DEADLINE_NEVER) && right) {
        begin_together(right_start);
        got_right = right();
        hc_sm_up(done);
    }
}

// Both begin within a few instructions of each other where there are two CPUs; one of them, in
// turns, with a head start, which is another one in each round.
static void duel(unsigned round, error_t (*a)(void), error_t (*b)(void))
{
    unsigned apart = round * 37 % 600;
    left = a;
    right = b;
    arrived = 0;
    right_start = round % 2 ? apart : 0;
    hc_sm_up(go);
    begin_together(round % 2 ? 0 : apart);
    got_left = left();
    (void)!hc_sm_down(done, DEADLINE_NEVER);
}

static bool open_arena(void)
{
    return !open_args(&pd, "pd", "", 2 * MEBI) &&
           !service_upgrade(&pd, (struct service_quota){0, 3000}) &&
           !open_args(&cpu, "cpu", "10", 0);
}

static void close_arena(void)
{
    service_close(&cpu);
    service_close(&pd);
}

// As many objects of each kind as a selector's loss would show in.
static void sigma0_is_as_fresh(void)
{
    enum { EACH = 24 };
    static sel_t ds[EACH], map[EACH], map_ds[EACH];
    static struct domain_client d[EACH / 6];
    CHECK(open_arena());
    for (unsigned i = 0; i < EACH; i++) {
        CHECK_EQ(ds_alloc(&pd, PAGE_SIZE, &ds[i]), SUCCESS);
        CHECK_EQ(rm_create(&pd, 16 * PAGE_SIZE, &map[i], &map_ds[i]), SUCCESS);
        struct rm_window w = {0, 0, RM_ANYWHERE, RM_WRITE};
        CHECK_EQ(rm_attach(&pd, map[i], ds[i], &w, NULL), SUCCESS);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(d); i++) {
        sel_t thread;
        CHECK_EQ(domain_open(&pd, KMEM, SLOTS, &d[i]), SUCCESS);
        CHECK_EQ(
            cpu_thread_create(&cpu, d[i].domain, i % hip()->cpu_count, 10, UTCBS, "fresh", &thread),
            SUCCESS);
        CHECK_EQ(cpu_thread_start(&cpu, thread, CODE, 0, 0), SUCCESS);
        cpu_thread_kill(&cpu, thread);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(d); i++)
        domain_close(&pd, &d[i]);
    for (unsigned i = 0; i < EACH; i++) {
        rm_destroy(&pd, map[i], map_ds[i]);
        ds_free(&pd, ds[i]);
    }
    close_arena();
    struct space s;
    CHECK(space_open(&s));
    CHECK(space_thread(&s, 0, PIECE_COUNT, SHARED) != SEL_NONE);
    CHECK(moves(&s.shared->counter[0]));
    space_close(&s);
}

static void unanswered(word_t identity, struct msg *m)
{
    (void)identity;
    msg_begin(m);
}
PORTAL_MESSAGE(unanswered_entry, unanswered);

static error_t assign(void)
{
    return domain_assign_parent(&pd, &domain, 0, portal);
}

static error_t destroy_domain(void)
{
    struct msg m;
    service_begin(&pd, &m, PD_SERVICE_DESTROY_DOMAIN);
    msg_put_item(&m, item_translate(crd(CRD_OBJ, domain.domain, 0, RIGHT_ALL)));
    return service_call(&pd, &m);
}

static error_t make_thread(void)
{
    return cpu_thread_create(&cpu, domain.domain, 0, 10, UTCBS, "made", &object);
}

// A parent's capability is installed once, whoever is faster; a domain that ends meanwhile takes
// what it kept along, once.
static void domains_are_furnished_and_destroyed_at_once(void)
{
    struct thread handler;
    u64 ram, caps;
    CHECK_EQ(thread_create_handler(&handler, 0, 0), SUCCESS);
    CHECK_EQ(portal_create(&handler, unanswered_entry, 0, 7, &portal), SUCCESS);
    CHECK_EQ(env_quota(&ram, &caps), SUCCESS);
    CHECK(open_arena());
    for (unsigned i = 0; i < ROUNDS; i++) {
        CHECK_EQ(domain_open(&pd, KMEM, SLOTS, &domain), SUCCESS);
        duel(i, assign, assign);
        CHECK((got_left == SUCCESS) + (got_right == SUCCESS) == 1);
        CHECK(got_left == SUCCESS ? got_right == EBUSY : got_left == EBUSY);
        domain_close(&pd, &domain);
        CHECK_EQ(domain_open(&pd, KMEM, SLOTS, &domain), SUCCESS);
        duel(i, destroy_domain, assign);
        CHECK_EQ(got_left, SUCCESS);
        domain_close(&pd, &domain);
        CHECK_EQ(domain_open(&pd, KMEM, SLOTS, &domain), SUCCESS);
        duel(i, destroy_domain, destroy_domain);
        CHECK((got_left == SUCCESS) + (got_right == SUCCESS) == 1);
        domain_close(&pd, &domain);
    }
    close_arena();
    CHECK(quota_is_back(ram, caps));
    portal_destroy(portal);
    thread_destroy(&handler);
    sigma0_is_as_fresh();
}

static error_t supervise(void)
{
    return cpu_exception_signal(&cpu, object, second_object);
}

static error_t kill(void)
{
    struct msg m;
    service_begin(&cpu, &m, CPU_KILL);
    msg_put_item(&m, item_translate(crd(CRD_OBJ, object, 0, RIGHT_ALL)));
    return service_call(&cpu, &m);
}

static error_t start(void)
{
    return cpu_thread_start(&cpu, object, CODE, 0, 0);
}

// Kills whatever thread of the domain it sees first.
static error_t kill_first(void)
{
    struct thread_entry e;
    for (unsigned i = 0; i < 50; i++) {
        error_t error = cpu_next_thread(&cpu, domain.domain, 0, &e);
        if (!error) {
            cpu_thread_kill(&cpu, e.thread);
            return SUCCESS;
        }
    }
    return ENOTFOUND;
}

static void threads_are_used_and_killed_at_once(void)
{
    static error_t (*const other[])(void) = {supervise, start, kill};
    u64 ram, caps;
    CHECK_EQ(env_quota(&ram, &caps), SUCCESS);
    CHECK_EQ(semaphore_create(0, &second_object), SUCCESS);
    CHECK(open_arena());
    CHECK_EQ(domain_open(&pd, KMEM, SLOTS, &domain), SUCCESS);
    for (unsigned i = 0; i < 3 * ROUNDS; i++) {
        CHECK_EQ(make_thread(), SUCCESS);
        if (i / 3 % 2)
            CHECK_EQ(supervise(), SUCCESS);
        duel(i / 3, kill, other[i % 3]);
        CHECK(got_left == SUCCESS || (i % 3 == 2 && got_right == SUCCESS));
        CHECK_EQ(kill(), ENOTFOUND);
        selector_drop(object);
    }
    for (unsigned i = 0; i < ROUNDS; i++) {
        duel(i, kill_first, make_thread);
        // It was there, however short: where it was killed before its name arrived, no name did.
        CHECK(got_right == SUCCESS || (got_right == EMEM && got_left == SUCCESS));
        if (got_right)
            continue;
        (void)kill();
        selector_drop(object);
    }
    struct thread_entry e;
    CHECK_EQ(cpu_next_thread(&cpu, domain.domain, 0, &e), ENOTFOUND);
    domain_close(&pd, &domain);
    close_arena();
    selector_drop(second_object);
    CHECK(quota_is_back(ram, caps));
    sigma0_is_as_fresh();
}

static error_t free_object(void)
{
    struct msg m;
    service_begin(&pd, &m, PD_SERVICE_FREE);
    msg_put_item(&m, item_translate(crd(CRD_OBJ, object, 0, RIGHT_ALL)));
    return service_call(&pd, &m);
}

static error_t attach_object(void)
{
    struct rm_window w = {0, 0, RM_ANYWHERE, RM_WRITE | RM_POPULATE};
    return rm_attach(&pd, domain.space, object, &w, NULL);
}

static error_t show_object(void)
{
    volatile u64 *at = (void *)address_alloc(PAGE_SIZE);
    error_t error = dataspace_attach(object, (void *)at, PAGE_SIZE, 0);
    // The answer may have come after the end of it, and showed it once more.
    hc_revoke(SEL_PD, crd(CRD_MEM, (word_t)at / PAGE_SIZE, 0, RIGHT_ALL), REVOKE_SELF);
    address_free((word_t)at, PAGE_SIZE);
    return error;
}

// Of two that free a dataspace one has freed it; who attaches it meanwhile has it or does not.
static void dataspaces_are_used_and_freed_at_once(void)
{
    static error_t (*const other[])(void) = {free_object, attach_object, show_object};
    struct pd_accounts before, after;
    CHECK(open_arena());
    CHECK_EQ(domain_open(&pd, KMEM, SLOTS, &domain), SUCCESS);
    CHECK_EQ(pd_accounts(&pd, &before), SUCCESS);
    for (unsigned i = 0; i < 3 * ROUNDS; i++) {
        CHECK_EQ(ds_alloc(&pd, PAGE_SIZE, &object), SUCCESS);
        duel(i / 3, free_object, other[i % 3]);
        if (i % 3 == 0)
            CHECK((got_left == SUCCESS) + (got_right == SUCCESS) == 1);
        else
            CHECK(got_left == SUCCESS && (got_right == SUCCESS || got_right == ENOTFOUND));
        selector_drop(object);
    }
    CHECK_EQ(pd_accounts(&pd, &after), SUCCESS);
    CHECK(after.used.ram == before.used.ram && after.used.caps == before.used.caps);
    domain_close(&pd, &domain);
    close_arena();
    sigma0_is_as_fresh();
}

static error_t close_reference(void)
{
    service_close(&rich);
    return SUCCESS;
}

static error_t allocate(void)
{
    return ds_alloc(&pd, PAGE_SIZE, &object);
}

static error_t make_map(void)
{
    return rm_create(&pd, PAGE_SIZE, &object, &second_object);
}

static error_t make_domain(void)
{
    return domain_open(&pd, KMEM, SLOTS, &domain);
}

// What is made while the account that pays for it is closed is there, or is not.
static void accounts_end_while_they_pay(void)
{
    static error_t (*const other[])(void) = {allocate, make_map, make_domain};
    struct service_quota lent = {MEBI, 1500};
    u64 ram, caps;
    CHECK_EQ(env_quota(&ram, &caps), SUCCESS);
    for (unsigned i = 0; i < ROUNDS; i++) {
        CHECK_EQ(open_args(&rich, "pd", "", 2 * MEBI), SUCCESS);
        CHECK_EQ(service_upgrade(&rich, lent), SUCCESS);
        CHECK_EQ(open_args(&pd, "pd", "", 0), SUCCESS);
        CHECK_EQ(pd_reference(&pd, &rich), SUCCESS);
        CHECK_EQ(pd_transfer(&pd, lent, false), SUCCESS);
        object = second_object = SEL_NONE;
        duel(i / 3, close_reference, other[i % 3]);
        struct pd_accounts now;
        CHECK_EQ(pd_accounts(&pd, &now), SUCCESS);
        CHECK(now.used.ram <= now.limit.ram && now.used.caps <= now.limit.caps);
        if (!got_right && i % 3 == 2)
            domain_close(&pd, &domain);
        else if (!got_right && i % 3)
            rm_destroy(&pd, object, second_object);
        else if (!got_right)
            ds_free(&pd, object);
        service_close(&pd);
    }
    CHECK(quota_is_back(ram, caps));
    sigma0_is_as_fresh();
}

static error_t move_there(void)
{
    return pd_transfer(&pd, (struct service_quota){65536, 10}, false);
}

static error_t move_back(void)
{
    return pd_transfer(&pd, (struct service_quota){65536, 10}, true);
}

// What goes to and fro at once is neither lost nor doubled.
static void quota_is_moved_both_ways_at_once(void)
{
    struct pd_accounts a, b;
    CHECK_EQ(open_args(&rich, "pd", "", MEBI), SUCCESS);
    CHECK_EQ(open_args(&pd, "pd", "", 0), SUCCESS);
    CHECK_EQ(pd_reference(&pd, &rich), SUCCESS);
    CHECK_EQ(pd_accounts(&rich, &a), SUCCESS);
    CHECK_EQ(pd_accounts(&pd, &b), SUCCESS);
    u64 ram = a.limit.ram + b.limit.ram, caps = a.limit.caps + b.limit.caps;
    for (unsigned i = 0; i < ROUNDS; i++) {
        duel(i, move_there, i % 2 ? move_back : move_there);
        CHECK(got_left == SUCCESS || got_left == ERESOURCE);
        CHECK_EQ(pd_accounts(&rich, &a), SUCCESS);
        CHECK_EQ(pd_accounts(&pd, &b), SUCCESS);
        CHECK_EQ(a.limit.ram + b.limit.ram, ram);
        CHECK_EQ(a.limit.caps + b.limit.caps, caps);
        if (i % 8 == 7)
            while (!move_back())
                ;
    }
    service_close(&pd);
    service_close(&rich);
}

static struct signal_receiver receiver;
static struct signal_context contexts[4];
static volatile u64 handled;
static volatile bool over;
static void count(struct signal_context *context, u64 number)
{
    (void)context;
    handled += number;
}

static void submit(void *unused)
{
    (void)unused;
    for (u64 i = 0; !over; i++)
        (void)!signal_submit(&contexts[i % ARRAY_SIZE(contexts)]); // maybe none just now
}

// Contexts come and go while every CPU signals them: no handler runs for one that is gone, and what
// is signalled afterwards arrives.
static void contexts_end_while_they_are_signalled(void)
{
    struct thread t[MAX_CPUS];
    CHECK_EQ(signal_receiver_create(&receiver), SUCCESS);
    for (unsigned i = 0; i < ARRAY_SIZE(contexts); i++)
        CHECK_EQ(signal_context_create(&receiver, &contexts[i], count, NULL), SUCCESS);
    over = false;
    for (unsigned i = 0; i < hip()->cpu_count; i++)
        CHECK_EQ(thread_create(&t[i], i, 1, "submits", submit, NULL), SUCCESS);
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct signal_context *c = &contexts[i % ARRAY_SIZE(contexts)];
        CHECK_EQ(signal_wait(&receiver, deadline_in_us(PATIENCE_US)), SUCCESS);
        signal_context_destroy(&receiver, c);
        CHECK_EQ(signal_context_create(&receiver, c, count, NULL), SUCCESS);
    }
    over = true;
    for (unsigned i = 0; i < hip()->cpu_count; i++)
        thread_join(&t[i]);
    for (unsigned i = 0; i < ARRAY_SIZE(contexts); i++)
        signal_context_destroy(&receiver, &contexts[i]);
    CHECK_EQ(signal_wait(&receiver, deadline_in_us(1000)), ETIMEOUT);
    CHECK_EQ(signal_context_create(&receiver, &contexts[0], count, NULL), SUCCESS);
    u64 before = handled;
    CHECK_EQ(signal_submit(&contexts[0]), SUCCESS);
    CHECK_EQ(signal_wait(&receiver, deadline_in_us(PATIENCE_US)), SUCCESS);
    CHECK_EQ(handled, before + 1);
    signal_receiver_destroy(&receiver);
}

void race_tests(void)
{
    if (semaphore_create(0, &go) || semaphore_create(0, &done) ||
        thread_create(&right_thread, hip()->cpu_count - 1, 20, "right", right_side, NULL))
        return;
    RUN(domains_are_furnished_and_destroyed_at_once);
    RUN(threads_are_used_and_killed_at_once);
    RUN(dataspaces_are_used_and_freed_at_once);
    RUN(accounts_end_while_they_pay);
    RUN(quota_is_moved_both_ways_at_once);
    RUN(contexts_end_while_they_are_signalled);
    right = NULL;
    hc_sm_up(go);
    thread_join(&right_thread);
    selector_drop(go);
    selector_drop(done);
}
