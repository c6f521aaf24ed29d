// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Measures sigma0's services from init's place: dataspaces, region maps, faults, signals, domains,
// threads; attaching also beside 10,000 other dataspaces.
#include "lib/core/dataspace.h"
#include "lib/core/signal.h"
#include "lib/rt/selector.h"
#include "lib/rt/start.h"
#include "test/system/bench.h"
#include "test/system/bench_core/bench_core.h"
#include "test/system/core/space.h"
#include "test/system/exit.h"

#define HERE 0x10000000ul
enum { FAULTS = 51, ROUNDS = 21, MANY = 10000, THEIRS = 0x1000 };

static struct space s;

static void alloc_free(const char *key, u64 bytes, unsigned rounds)
{
    for (unsigned i = 0; i < rounds + WARM; i++) {
        sel_t ds;
        u64 begin = operation_begin(key);
        must(ds_alloc(&s.pd, bytes, &ds), key);
        ds_free(&s.pd, ds);
        samples[i % rounds] = operation_end(begin);
    }
    report(key, rounds);
}

static void attach_detach(const char *key)
{
    volatile u64 *at;
    sel_t ds = space_memory(&s, PAGE_SIZE, &at);
    for (unsigned i = 0; i < SAMPLES + WARM; i++) {
        struct rm_window w = {0, 0, RM_ANYWHERE, RM_WRITE};
        word_t address;
        u64 begin = operation_begin(key);
        must(rm_attach(&s.pd, s.domain.space, ds, &w, &address), key);
        must(rm_detach(&s.pd, s.domain.space, address), key);
        samples[i % SAMPLES] = operation_end(begin);
    }
    report(key, SAMPLES);
    ds_free(&s.pd, ds);
}

static void take_times(const char *key)
{
    for (unsigned i = 0; i < FAULTS; i++)
        samples[i] = s.shared->times[i] - overhead;
    report(key, FAULTS);
}

// One page at every second address, so that each fault is for one page.
static void lazy_faults(const char *key)
{
    volatile u64 *at;
    sel_t ds = space_memory(&s, PAGE_SIZE * FAULTS, &at);
    for (unsigned i = 0; i < FAULTS; i++) {
        struct rm_window w = {i * PAGE_SIZE, PAGE_SIZE, HERE + 2 * i * PAGE_SIZE, RM_WRITE};
        must(rm_attach(&s.pd, s.domain.space, ds, &w, NULL), "attach");
    }
    s.shared->counter[1] = FAULTS;
    sel_t thread = space_thread(&s, 0, PIECE_TIME, HERE);
    if (!moves(&s.shared->counter[0]))
        print("bench: FAIL faults\n");
    take_times(key);
    cpu_thread_kill(&s.cpu, thread);
    for (unsigned i = 0; i < FAULTS; i++)
        must(rm_detach(&s.pd, s.domain.space, HERE + 2 * i * PAGE_SIZE), "detach");
    ds_free(&s.pd, ds);
}

// The same through the owner of a managed dataspace, which attaches a page for each.
static void managed_faults(void)
{
    volatile u64 *at;
    sel_t map, managed, signal, ds = space_memory(&s, PAGE_SIZE * FAULTS, &at);
    struct rm_fault fault;
    must(rm_create(&s.pd, 2 * FAULTS * PAGE_SIZE, &map, &managed), "map");
    must(semaphore_create(0, &signal), "semaphore");
    must(rm_signal(&s.pd, map, signal), "signal");
    must(space_attach(&s, managed, HERE, RM_WRITE), "attach");
    s.shared->counter[1] = FAULTS;
    sel_t thread = space_thread(&s, 0, PIECE_TIME, HERE);
    for (unsigned i = 0; i < FAULTS; i++) {
        must(hc_sm_down(signal, DEADLINE_NEVER), "down");
        must(rm_next_fault(&s.pd, map, &fault), "fault");
        struct rm_window w = {i * PAGE_SIZE, PAGE_SIZE, fault.address, RM_WRITE};
        must(rm_attach(&s.pd, map, ds, &w, NULL), "fill");
    }
    if (!moves(&s.shared->counter[0]))
        print("bench: FAIL managed faults\n");
    take_times("fault_managed");
    cpu_thread_kill(&s.cpu, thread);
    rm_destroy(&s.pd, map, managed);
    ds_free(&s.pd, ds);
    selector_drop(signal);
}

static void nothing(struct signal_context *context, u64 count)
{
    (void)context, (void)count;
}

static void signals(void)
{
    struct signal_receiver mine, theirs;
    struct signal_context here, there;
    must(signal_receiver_create(&mine), "receiver");
    must(signal_receiver_create(&theirs), "receiver");
    must(signal_context_create(&mine, &here, nothing, NULL), "context");
    must(signal_context_create(&theirs, &there, nothing, NULL), "context");
    for (unsigned i = 0; i < SAMPLES + WARM; i++) {
        u64 begin = operation_begin("signal_deliver");
        signal_submit(&here);
        must(signal_wait(&mine, DEADLINE_NEVER), "wait");
        samples[i % SAMPLES] = operation_end(begin);
    }
    report("signal_deliver", SAMPLES);
    *utcb_item(utcb(), 0) = item_delegate(crd(CRD_OBJ, theirs.sm, 0, SM_DOWN), THEIRS, 0);
    *utcb_item(utcb(), 1) = item_delegate(crd(CRD_OBJ, here.sm, 0, SM_UP), THEIRS + 1, 0);
    must(hc_delegate(s.domain.pd, 2), "delegate");
    sel_t thread = space_thread(&s, 0, PIECE_PONG, THEIRS);
    for (unsigned i = 0; i < SAMPLES + WARM; i++) {
        u64 begin = operation_begin("signal_pingpong");
        signal_submit(&there);
        must(signal_wait(&mine, DEADLINE_NEVER), "wait");
        samples[i % SAMPLES] = operation_end(begin);
    }
    report("signal_pingpong", SAMPLES);
    cpu_thread_kill(&s.cpu, thread);
    signal_context_destroy(&theirs, &there);
    signal_context_destroy(&mine, &here);
    signal_receiver_destroy(&theirs);
    signal_receiver_destroy(&mine);
}

static void domains(void)
{
    for (unsigned i = 0; i < ROUNDS + WARM; i++) {
        struct domain_client d;
        u64 begin = operation_begin("pd_create_destroy");
        must(domain_open(&s.pd, 65536, 64, &d), "domain");
        domain_close(&s.pd, &d);
        samples[i % ROUNDS] = operation_end(begin);
    }
    report("pd_create_destroy", ROUNDS);
}

static void threads(void)
{
    sel_t up;
    must(semaphore_create(0, &up), "semaphore");
    *utcb_item(utcb(), 0) = item_delegate(crd(CRD_OBJ, up, 0, SM_UP), THEIRS + 8, 0);
    must(hc_delegate(s.domain.pd, 1), "delegate");
    for (unsigned i = 0; i < ROUNDS + WARM; i++) {
        u64 begin = operation_begin("thread_create_start_kill");
        sel_t thread = space_thread(&s, 0, PIECE_UP, THEIRS + 8);
        must(hc_sm_down(up, DEADLINE_NEVER), "thread");
        cpu_thread_kill(&s.cpu, thread);
        samples[i % ROUNDS] = operation_end(begin);
    }
    report("thread_create_start_kill", ROUNDS);
    selector_drop(up);
}

// Attached in a map of its own account, as everything else.
static void beside_many(void)
{
    static sel_t many[MANY];
    struct service_client lender;
    must(service_init(&lender, "pd", "many", "",
                      (struct service_quota){80ul << 20, MANY + service_caps_least()}),
         "account");
    for (unsigned i = 0; i < MANY; i++)
        must(ds_alloc(&lender, PAGE_SIZE, &many[i]), "one of many");
    alloc_free("ds_alloc_free_beside_10000", PAGE_SIZE, SAMPLES);
    for (unsigned i = 0; i < MANY; i++)
        must(space_attach(&s, many[i], RM_ANYWHERE, RM_WRITE), "one of many");
    attach_detach("attach_beside_10000");
    lazy_faults("fault_beside_10000");
    service_close(&lender);
    for (unsigned i = 0; i < MANY; i++)
        selector_drop(many[i]);
}

int main(void)
{
    u64 begin = rdtsc();
    overhead = rdtsc() - begin;
    if (!space_open(&s))
        print("bench: FAIL space\n");
    alloc_free("ds_alloc_free_4k", PAGE_SIZE, SAMPLES);
    alloc_free("ds_alloc_free_4m", 4ul << 20, 5);
    attach_detach("attach_detach");
    lazy_faults("fault_lazy_4k");
    if (!profile_key() || strcmp(profile_key(), "fault_lazy_4k")) // it would count these instead
        managed_faults();
    signals();
    domains();
    threads();
    traces();
    beside_many();
    print("bench: DONE\n");
    machine_exit(0);
    return 0;
}
