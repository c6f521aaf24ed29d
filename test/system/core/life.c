// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Protection domains, threads and signals, one test a sentence (002_8bbc1eeec7f51661.txt,
// Protection domains; Processing-time allocation).
#include "lib/core/dataspace.h"
#include "lib/core/signal.h"
#include "lib/rt/address.h"
#include "lib/rt/portal.h"
#include "lib/rt/selector.h"
#include "lib/rt/start.h"
#include "lib/rt/thread.h"
#include "lib/rt/tsc.h"
#include "test/system/check.h"
#include "test/system/core/core.h"
#include "test/system/core/space.h"
#include "test/system/wait.h"

#define HERE 0x10000000ul
enum { MEBI = 1 << 20 };

static struct space s, other;

// What is attached in another domain, and in use there, goes with the session that paid for it.
static void closing_a_session_takes_its_memory_from_all(void)
{
    struct thread_exception e;
    struct service_client owner;
    sel_t ds;
    u64 ram, after, caps;
    CHECK_EQ(env_quota(&ram, &caps), SUCCESS);
    CHECK(space_open(&s));
    CHECK(space_open(&other));
    CHECK_EQ(open_args(&owner, "pd", "", MEBI), SUCCESS);
    CHECK_EQ(ds_alloc(&owner, 4 * PAGE_SIZE, &ds), SUCCESS);
    CHECK_EQ(space_attach(&s, ds, HERE, RM_WRITE), SUCCESS);
    CHECK_EQ(space_attach(&other, ds, 2 * HERE, RM_WRITE), SUCCESS);
    CHECK(space_thread(&s, 0, PIECE_COUNT, HERE + PAGE_SIZE) != SEL_NONE);
    CHECK(space_thread(&other, hip()->cpu_count - 1, PIECE_COUNT, 2 * HERE) != SEL_NONE);
    service_close(&owner);
    CHECK_EQ(space_exception(&s, &e), SUCCESS);
    CHECK_EQ(e.address, HERE + PAGE_SIZE);
    selector_drop(e.thread);
    CHECK_EQ(space_exception(&other, &e), SUCCESS);
    CHECK_EQ(e.address, 2 * HERE);
    selector_drop(e.thread);
    CHECK_EQ(space_attach(&s, ds, HERE, 0), ENOTFOUND);
    crd_t found;
    CHECK_EQ(hc_lookup(crd(CRD_OBJ, ds, 0, RIGHT_ALL), &found), ECAP);
    selector_free(ds);
    space_close(&s);
    space_close(&other);
    CHECK_EQ(env_quota(&after, &caps), SUCCESS);
    CHECK_EQ(after, ram);
}

static bool mapped(const volatile void *at)
{
    crd_t found;
    return !hc_lookup(crd(CRD_MEM, (word_t)at / PAGE_SIZE, 0, RIGHT_ALL), &found);
}

// What everybody had is gone, what was in it is not.
static void renewed_dataspaces_are_nobody_elses(void)
{
    struct thread_exception e;
    struct service_client owner;
    sel_t ds, old, managed, map;
    volatile u64 *at = (volatile u64 *)address_alloc(4 * PAGE_SIZE);
    u64 ram, after, caps, bytes, physical, physical_after;
    CHECK_EQ(env_quota(&ram, &caps), SUCCESS);
    CHECK(space_open(&s));
    CHECK_EQ(open_args(&owner, "pd", "", MEBI), SUCCESS);
    CHECK_EQ(ds_alloc(&owner, 4 * PAGE_SIZE, &ds), SUCCESS);
    CHECK_EQ(dataspace_attach(ds, (void *)at, 4 * PAGE_SIZE, 0), SUCCESS);
    at[3 * PAGE_SIZE / 8] = 0x7e55e7a;
    CHECK_EQ(space_attach(&s, ds, HERE, RM_WRITE), SUCCESS);
    CHECK(space_thread(&s, hip()->cpu_count - 1, PIECE_COUNT, HERE + PAGE_SIZE) != SEL_NONE);
    CHECK(moves(&at[PAGE_SIZE / 8]));
    CHECK_EQ(ds_phys(&owner, ds, &physical, &bytes), SUCCESS);
    old = ds;
    CHECK_EQ(ds_renew(&s.pd, &ds), ENOTFOUND); // not its own
    CHECK(ds == old && mapped(at));
    CHECK_EQ(ds_renew(&owner, &ds), SUCCESS);
    CHECK(!mapped(at));
    CHECK_EQ(space_exception(&s, &e), SUCCESS);
    CHECK_EQ(e.address, HERE + PAGE_SIZE);
    selector_drop(e.thread);
    CHECK_EQ(space_attach(&s, old, HERE, 0), ENOTFOUND);
    CHECK_EQ(ds_phys(&owner, ds, &physical_after, &bytes), SUCCESS);
    CHECK(bytes == 4 * PAGE_SIZE && physical_after != physical);
    CHECK_EQ(dataspace_attach(ds, (void *)at, 4 * PAGE_SIZE, 0), SUCCESS);
    CHECK(at[3 * PAGE_SIZE / 8] == 0x7e55e7a && at[PAGE_SIZE / 8] && !at[0]);
    CHECK_EQ(rm_create(&owner, PAGE_SIZE, &map, &managed), SUCCESS);
    CHECK_EQ(ds_renew(&owner, &managed), ENOTFOUND); // no memory of its own
    rm_destroy(&owner, map, managed);
    service_close(&owner); // and with the session what came of it
    CHECK(!mapped(at));
    selector_free(ds);
    address_free((word_t)at, 4 * PAGE_SIZE);
    space_close(&s);
    CHECK_EQ(env_quota(&after, &caps), SUCCESS);
    CHECK_EQ(after, ram);
}

// There is no memory for another one of that size.
static void renewing_without_memory_changes_nothing(void)
{
    struct service_client owner;
    sel_t ds;
    u64 ram, caps, after;
    CHECK_EQ(env_quota(&ram, &caps), SUCCESS);
    u64 most = ALIGN_DOWN(ram / 3 * 2, PAGE_SIZE);
    CHECK_EQ(open_args(&owner, "pd", "", most + MEBI), SUCCESS);
    CHECK_EQ(ds_alloc(&owner, most, &ds), SUCCESS);
    CHECK_EQ(ds_renew(&owner, &ds), EMEM);
    u64 physical, bytes;
    CHECK_EQ(ds_phys(&owner, ds, &physical, &bytes), SUCCESS);
    CHECK_EQ(bytes, most);
    ds_free(&owner, ds);
    CHECK_EQ(ds_alloc(&owner, most, &ds), SUCCESS);
    service_close(&owner);
    selector_drop(ds);
    CHECK_EQ(env_quota(&after, &caps), SUCCESS);
    CHECK_EQ(after, ram);
}

static volatile u64 calls;
static void answer(word_t identity, struct msg *m)
{
    calls += msg_get_word(m) == 0x1234;
    msg_begin(m);
    msg_put_word(m, identity);
}
PORTAL_MESSAGE(answer_entry, answer);

// Whether calls that begin from now on have that answer.
static bool answers(u64 error, u64 word)
{
    volatile u64 *calls_over = &s.shared->counter[0];
    return moves(calls_over) && moves(calls_over) && becomes(&s.shared->value[0], error) &&
           (error || becomes(&s.shared->value[1], word));
}

// The capability space is empty; one capability is installed from outside, once.
static void domains_begin_with_one_capability(void)
{
    struct thread handler;
    sel_t portal;
    CHECK(space_open(&s));
    CHECK_EQ(thread_create_handler(&handler, 0, 0), SUCCESS);
    CHECK_EQ(portal_create(&handler, answer_entry, 0, 77, &portal), SUCCESS);
    CHECK(space_thread(&s, 0, PIECE_CALL, SEL_PARENT) != SEL_NONE);
    CHECK(answers(ECAP, 0));
    CHECK_EQ(domain_assign_parent(&s.pd, &s.domain, MAX_CPUS, portal), EPROTO);
    CHECK_EQ(domain_assign_parent(&env_pd, &s.domain, 0, portal), EPERM); // another session's
    CHECK_EQ(domain_assign_parent(&s.pd, &s.domain, 0, portal), SUCCESS);
    CHECK(answers(SUCCESS, 77));
    CHECK(calls > 0);
    struct pd_accounts before, after;
    CHECK_EQ(pd_accounts(&s.pd, &before), SUCCESS);
    CHECK_EQ(domain_assign_parent(&s.pd, &s.domain, 0, portal), EBUSY);
    CHECK_EQ(pd_accounts(&s.pd, &after), SUCCESS);
    CHECK_EQ(after.used.caps, before.used.caps); // what is refused is not paid for, nor given back
    CHECK(answers(SUCCESS, 77));
    space_close(&s);
    portal_destroy(portal);
    thread_destroy(&handler);
}

static error_t kill_by(struct service_client *session, sel_t thread)
{
    struct msg m;
    service_begin(session, &m, CPU_KILL);
    msg_put_item(&m, item_translate(crd(CRD_OBJ, thread, 0, RIGHT_ALL)));
    return service_call(session, &m);
}

// A thread begins at the instruction, with the stack and the argument that START says.
static void threads_start_where_told(void)
{
    enum thread_state what;
    struct exc_state state;
    sel_t thread;
    CHECK(space_open(&s));
    CHECK_EQ(cpu_thread_create(&s.cpu, s.domain.domain, 0, 20, UTCBS, "begins", &thread), SUCCESS);
    CHECK(stands_still(&s.shared->counter[3])); // it rests until then
    CHECK_EQ(cpu_thread_start(&s.cpu, thread, piece(PIECE_COUNT), 0x7fff0, SHARED + 24), SUCCESS);
    CHECK(moves(&s.shared->counter[3]));
    // Who holds the thread's capability controls it, through any session.
    struct service_client second;
    CHECK_EQ(open_args(&second, "cpu", "1", 0), SUCCESS);
    CHECK_EQ(cpu_thread_pause(&second, thread), SUCCESS);
    CHECK_EQ(space_registers(&s, thread, &what, &state), SUCCESS);
    CHECK(stands_still(&s.shared->counter[3]));
    CHECK_EQ(cpu_thread_read(&second, thread, &what, &state), SUCCESS);
    CHECK_EQ(what, THREAD_PAUSED);
    CHECK_EQ(state.rsp, 0x7fff0);
    CHECK_EQ(state.rdi, SHARED + 24);
    CHECK(state.rip - piece(PIECE_COUNT) < 16);
    CHECK_EQ(cpu_thread_resume(&second, thread), SUCCESS);
    CHECK(moves(&s.shared->counter[3]));
    CHECK_EQ(cpu_thread_pause(&second, s.domain.domain), ENOTFOUND); // no thread
    CHECK_EQ(kill_by(&second, thread), EPERM); // whose time it does not run on
    CHECK(moves(&s.shared->counter[3]));
    service_close(&second);
    CHECK(moves(&s.shared->counter[3]));
    CHECK_EQ(kill_by(&s.cpu, thread), SUCCESS);
    CHECK(comes_to_rest(&s.shared->counter[3]));
    space_close(&s);
}

// A thread that is paused before its first instruction shows what START said, and begins with what
// was written.
static void threads_can_be_changed_before_they_begin(void)
{
    enum thread_state what;
    struct exc_state state;
    sel_t thread;
    CHECK(space_open(&s));
    CHECK_EQ(
        cpu_thread_create(&s.cpu, s.domain.domain, hip()->cpu_count - 1, 20, UTCBS, "new", &thread),
        SUCCESS);
    CHECK_EQ(cpu_thread_pause(&s.cpu, thread), SUCCESS);
    CHECK_EQ(cpu_thread_start(&s.cpu, thread, piece(PIECE_READ), 0x7fff0, SHARED + 24), SUCCESS);
    CHECK_EQ(space_registers(&s, thread, &what, &state), SUCCESS);
    CHECK_EQ(state.rip, piece(PIECE_READ));
    CHECK_EQ(state.rsp, 0x7fff0);
    CHECK_EQ(state.rdi, SHARED + 24);
    state.rip = USER_END;
    CHECK_EQ(cpu_thread_write(&s.cpu, thread, MTD_RIP, &state), EPARAM);
    state.rip = piece(PIECE_COUNT);
    state.rdi = SHARED + 32;
    CHECK_EQ(cpu_thread_write(&s.cpu, thread, MTD_RIP | MTD_GPR_BSD, &state), SUCCESS);
    CHECK_EQ(cpu_thread_resume(&s.cpu, thread), SUCCESS);
    CHECK(moves(&s.shared->counter[4]));
    CHECK_EQ(s.shared->counter[0], 0);
    selector_drop(thread);
    space_close(&s);
}

// A session's CPUs are said when it is opened.
static void threads_of_a_session_stay_on_its_cpus(void)
{
    struct service_client one;
    sel_t thread;
    unsigned last = hip()->cpu_count - 1;
    char args[32];
    CHECK(space_open(&s));
    text_format(args, sizeof(args), "50,cpus=0x%x", 1u << last);
    CHECK_EQ(open_args(&one, "cpu", args, 0), SUCCESS);
    if (last)
        CHECK_EQ(cpu_thread_create(&one, s.domain.domain, 0, 20, UTCBS, "no", &thread), ECPU);
    CHECK_EQ(cpu_thread_create(&one, s.domain.domain, last, 20, UTCBS, "yes", &thread), SUCCESS);
    CHECK_EQ(cpu_thread_start(&one, thread, piece(PIECE_COUNT), 0, SHARED), SUCCESS);
    CHECK(moves(&s.shared->counter[0]));
    service_close(&one); // and with it its threads
    CHECK(comes_to_rest(&s.shared->counter[0]));
    selector_drop(thread);
    space_close(&s);
}

// A thread of a session with a share of the processor gets that and no more: who runs below it gets
// the rest, and none of it without that limit. How much it is: test/system/exact.
static void threads_get_their_share_of_time(void)
{
    struct service_client bounded;
    sel_t below, thread;
    CHECK(space_open(&s));
    volatile u64 *own = &s.shared->counter[1], *beside = &s.shared->counter[0];
    CHECK_EQ(open_args(&bounded, "cpu", "50,budget=50000,period=1000000", 0), SUCCESS);
    CHECK_EQ(cpu_thread_create(&bounded, s.domain.domain, 0, 20, UTCBS, "bounded", &thread),
             SUCCESS);
    CHECK_EQ(cpu_thread_start(&bounded, thread, piece(PIECE_COUNT), 0, SHARED + 8), SUCCESS);
    CHECK_EQ(cpu_thread_create(&s.cpu, s.domain.domain, 0, 10, UTCBS + PAGE_SIZE, "below", &below),
             SUCCESS);
    CHECK_EQ(cpu_thread_start(&s.cpu, below, piece(PIECE_COUNT), 0, SHARED), SUCCESS);
    bool runs = moves(own), leaves = moves(beside), again = moves(own);
    service_close(&bounded);
    selector_drop(thread);
    selector_drop(below);
    space_close(&s);
    CHECK(runs && leaves && again);
}

// An exception is told to who has asked for that thread's, else to who has asked for the domain's.
static void exceptions_reach_the_threads_own_supervisor(void)
{
    struct thread_exception e;
    sel_t own, thread;
    CHECK(space_open(&s));
    CHECK_EQ(semaphore_create(0, &own), SUCCESS);
    CHECK_EQ(cpu_thread_create(&s.cpu, s.domain.domain, 0, 20, UTCBS, "own", &thread), SUCCESS);
    CHECK_EQ(cpu_exception_signal(&s.cpu, thread, own), SUCCESS);
    CHECK_EQ(cpu_thread_start(&s.cpu, thread, piece(PIECE_READ), 0, HERE), SUCCESS);
    CHECK_EQ(hc_sm_down(own, deadline_in_us(PATIENCE_US)), SUCCESS);
    CHECK_EQ(hc_sm_down(s.signal, deadline_in_us(2000)), ETIMEOUT);
    CHECK_EQ(cpu_next_exception(&s.cpu, s.domain.domain, &e), SUCCESS);
    CHECK_EQ(e.address, HERE);
    selector_drop(e.thread);
    // An answer, and it goes on.
    volatile u64 *at;
    sel_t ds = space_memory(&s, PAGE_SIZE, &at);
    at[0] = 0x600d;
    CHECK_EQ(space_attach(&s, ds, HERE, 0), SUCCESS);
    CHECK_EQ(cpu_thread_resume(&s.cpu, thread), SUCCESS);
    CHECK(becomes(&s.shared->value[0], 0x600d));
    selector_drop(ds);
    selector_drop(own);
    space_close(&s);
}

static volatile u64 handled[2];
static void count(struct signal_context *context, u64 number)
{
    *(volatile u64 *)context->user += number;
}

static void signals_are_counted_by_context(void)
{
    struct signal_receiver receiver;
    struct signal_context a, b;
    CHECK_EQ(signal_receiver_create(&receiver), SUCCESS);
    CHECK_EQ(signal_context_create(&receiver, &a, count, (void *)&handled[0]), SUCCESS);
    CHECK_EQ(signal_context_create(&receiver, &b, count, (void *)&handled[1]), SUCCESS);
    for (unsigned i = 0; i < 3; i++)
        CHECK_EQ(signal_submit(&a), SUCCESS);
    CHECK_EQ(signal_submit(&b), SUCCESS);
    CHECK_EQ(signal_wait(&receiver, deadline_in_us(PATIENCE_US)), SUCCESS); // three as one
    CHECK_EQ(handled[0], 3);
    CHECK_EQ(handled[1], 0);
    CHECK_EQ(signal_wait(&receiver, deadline_in_us(PATIENCE_US)), SUCCESS);
    CHECK_EQ(handled[1], 1);
    CHECK_EQ(signal_wait(&receiver, deadline_in_us(2000)), ETIMEOUT);
    CHECK_EQ(signal_submit(&a), SUCCESS);
    signal_context_destroy(&receiver, &a); // what it counted goes with it
    CHECK_EQ(signal_wait(&receiver, deadline_in_us(2000)), ETIMEOUT);
    CHECK_EQ(handled[0], 3);
    signal_context_destroy(&receiver, &b);
    signal_receiver_destroy(&receiver);
}

void life_tests(void)
{
    RUN(closing_a_session_takes_its_memory_from_all);
    RUN(renewed_dataspaces_are_nobody_elses);
    RUN(renewing_without_memory_changes_nothing);
    RUN(domains_begin_with_one_capability);
    RUN(threads_start_where_told);
    RUN(threads_can_be_changed_before_they_begin);
    RUN(threads_of_a_session_stay_on_its_cpus);
    RUN(threads_get_their_share_of_time);
    RUN(exceptions_reach_the_threads_own_supervisor);
    RUN(signals_are_counted_by_context);
}
