// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// sigma0's services as an enemy uses them: random requests from all CPUs, memory in pieces; and the
// sums still add up. Accounts that run dry: exhaust.c.
#include "lib/core/dataspace.h"
#include "lib/rt/selector.h"
#include "lib/rt/start.h"
#include "lib/rt/string.h"
#include "lib/rt/thread.h"
#include "lib/rt/tsc.h"
#include "test/system/check.h"
#include "test/system/core/core.h"
#include "test/system/core/space.h"
#include "test/system/wait.h"

enum { MEBI = 1 << 20 };

// One session of each service, with harmless hardware.
static const struct {
    const char *name, *args;
    u64 ram;
} services[] = {{"pd", "", MEBI},  {"rm", "", MEBI},         {"trace", "", MEBI},
                {"cpu", "10", 0},  {"rom", "init", 0},       {"log", "", 0},
                {"irq", "msi", 0}, {"io_port", "0xe0,4", 0}, {"io_mem", "0xfd000000,0x3001,wc", 0}};
static struct service_client targets[ARRAY_SIZE(services)];
static struct space space;
static volatile u64 requests;

static u64 random_of(u64 *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    return *state ^= *state << 17;
}

static word_t random_word(u64 *state)
{
    static const u64 borders[] = {
        0,        1,         2,    PAGE_SIZE - 1, PAGE_SIZE, PAGE_SIZE * 8, CODE, SHARED,
        USER_END, 1ul << 63, ~0ul, RM_ANYWHERE,   64,        4096 * 1024,   UTCBS};
    u64 choice = random_of(state);
    if (choice % 4 == 0)
        return random_of(state);
    if (choice % 4 == 1)
        return random_of(state) % 64;
    return borders[choice / 4 % ARRAY_SIZE(borders)];
}

static sel_t random_name(u64 *state)
{
    const sel_t names[] = {space.domain.domain,
                           space.domain.space,
                           space.domain.stack_area,
                           space.code_ds,
                           space.domain.pd,
                           space.shared_ds,
                           SEL_PD,
                           SEL_IDENTITY,
                           space.domain.linker_area,
                           space.signal,
                           (sel_t)crd_base(service_session_name(&targets[0])),
                           (sel_t)crd_base(service_session_name(&targets[1]))};
    return names[random_of(state) % ARRAY_SIZE(names)];
}

static void bombard(void *argument)
{
    u64 state = (u64)argument * 0x9e3779b97f4a7c15 + 1;
    for (unsigned i = 0; i < 5000; i++) {
        struct msg m;
        u64 choice = random_of(&state); // those with most state have half of it
        unsigned which = (unsigned)(choice / 2 % (choice % 2 ? 3 : ARRAY_SIZE(targets)));
        service_begin(&targets[which], &m, SERVICE_FIRST + random_of(&state) % 24);
        unsigned words = (unsigned)(random_of(&state) % 7), items = random_of(&state) % 4;
        for (unsigned k = 0; k < words; k++)
            msg_put_word(&m, random_word(&state));
        for (unsigned k = 0; k < items; k++) {
            crd_t c = crd(CRD_OBJ, random_name(&state), 0, RIGHT_ALL);
            msg_put_item(&m, random_of(&state) % 4 ? item_translate(c) : item_delegate(c, 0, 0));
        }
        utcb()->window = utcb()->window2 = 0;
        (void)!service_call(&targets[which], &m);
        __atomic_fetch_add(&requests, 1, __ATOMIC_RELAXED);
    }
}

// Random requests that look valid, from all CPUs, to every service. Nothing else is harmed, and
// when the sessions are closed all is as before.
static void random_requests_harm_nobody(void)
{
    struct thread t[MAX_CPUS];
    u64 ram, after, caps;
    CHECK_EQ(env_quota(&ram, &caps), SUCCESS);
    for (unsigned round = 0; round < 2; round++) {
        CHECK(space_open(&space));
        for (unsigned i = 0; i < ARRAY_SIZE(targets); i++)
            CHECK_EQ(open_args(&targets[i], services[i].name, services[i].args, services[i].ram),
                     SUCCESS);
        requests = 0;
        for (unsigned cpu_index = 0; cpu_index < hip()->cpu_count; cpu_index++)
            CHECK_EQ(thread_create(&t[cpu_index], cpu_index, 20, "bombard", bombard,
                                   (void *)(word_t)(cpu_index + 1 + 16 * round)),
                     SUCCESS);
        for (unsigned cpu_index = 0; cpu_index < hip()->cpu_count; cpu_index++)
            thread_join(&t[cpu_index]);
        CHECK_EQ(requests, 5000 * hip()->cpu_count);
        for (unsigned i = 0; i < ARRAY_SIZE(targets); i++)
            service_close(&targets[i]);
        space_close(&space);
        CHECK_EQ(env_quota(&after, &caps), SUCCESS);
        CHECK_EQ(after, ram);
    }
    // And the services serve.
    CHECK(space_open(&space));
    CHECK(space_thread(&space, 0, PIECE_COUNT, SHARED) != SEL_NONE);
    CHECK(moves(&space.shared->counter[0]));
    space_close(&space);
}

u64 longest_dataspace(struct service_client *pd)
{
    u64 low = 0, high = 128 * MEBI;
    while (high - low > PAGE_SIZE) {
        u64 middle = ALIGN_DOWN(low + (high - low) / 2, PAGE_SIZE);
        sel_t one;
        if (ds_alloc(pd, middle, &one)) {
            high = middle;
        } else {
            low = middle;
            ds_free(pd, one);
        }
    }
    return low;
}

// `soak=N` on the command line for more (make soak).
static u64 soak_rounds = 20000;

// Dataspaces of all sizes come and go in random order: then as long a one is had as before.
static void memory_does_not_go_to_pieces(void)
{
    enum { KEPT = 64 };
    struct service_client pd;
    sel_t kept[KEPT];
    u64 state = 4711, ram, caps;
    CHECK_EQ(env_quota(&ram, &caps), SUCCESS);
    CHECK_EQ(open_args(&pd, "pd", "", ram / 2), SUCCESS);
    for (unsigned i = 0; i < KEPT; i++)
        kept[i] = SEL_NONE;
    u64 before = longest_dataspace(&pd);
    for (unsigned i = 0; i < soak_rounds; i++) {
        sel_t *one = &kept[random_of(&state) % KEPT];
        if (*one == SEL_NONE) {
            if (ds_alloc(&pd, PAGE_SIZE << random_of(&state) % 5, one))
                *one = SEL_NONE;
        } else {
            ds_free(&pd, *one);
            *one = SEL_NONE;
        }
    }
    for (unsigned i = 0; i < KEPT; i++)
        if (kept[i] != SEL_NONE)
            ds_free(&pd, kept[i]);
    CHECK_EQ(longest_dataspace(&pd), before);
    service_close(&pd);
}

// Maps in each other, by two and by three, also when two CPUs do the halves of it at once.
static sel_t ring[3], ring_ds[3];
static volatile error_t second;
static struct service_client elsewhere;
static void attach_second(void *unused)
{
    struct rm_window w = {0, PAGE_SIZE, RM_ANYWHERE, RM_WRITE};
    (void)unused;
    second = rm_attach(&elsewhere, ring[1], ring_ds[0], &w, NULL);
}

static void cycles_are_refused(void)
{
    struct service_client rm;
    struct rm_window w = {0, PAGE_SIZE, RM_ANYWHERE, RM_WRITE};
    CHECK_EQ(open_args(&rm, "rm", "", MEBI), SUCCESS);
    CHECK_EQ(open_args(&elsewhere, "rm", "", MEBI), SUCCESS);
    for (unsigned i = 0; i < 3; i++)
        CHECK_EQ(rm_create(&rm, 64 * PAGE_SIZE, &ring[i], &ring_ds[i]), SUCCESS);
    for (unsigned i = 0; i < 3; i++)
        CHECK_EQ(rm_attach(&rm, ring[i], ring_ds[i], &w, NULL), EDEADLOCK);
    CHECK_EQ(rm_attach(&rm, ring[0], ring_ds[1], &w, NULL), SUCCESS);
    CHECK_EQ(rm_attach(&rm, ring[1], ring_ds[0], &w, NULL), EDEADLOCK);
    CHECK_EQ(rm_attach(&rm, ring[1], ring_ds[2], &w, NULL), SUCCESS);
    CHECK_EQ(rm_attach(&rm, ring[2], ring_ds[0], &w, NULL), EDEADLOCK);
    CHECK_EQ(rm_detach(&rm, ring[0], 0), SUCCESS);
    for (unsigned i = 0; i < 50; i++) {
        struct thread t;
        CHECK_EQ(thread_create(&t, hip()->cpu_count - 1, 20, "second", attach_second, NULL),
                 SUCCESS);
        error_t first = rm_attach(&rm, ring[0], ring_ds[1], &w, NULL);
        thread_join(&t);
        CHECK(first == EDEADLOCK ? !second : !first && second == EDEADLOCK);
        while (!rm_detach(&rm, ring[0], 0))
            ;
        while (!rm_detach(&rm, ring[1], PAGE_SIZE))
            ;
    }
    for (unsigned i = 0; i < 3; i++)
        rm_destroy(&rm, ring[i], ring_ds[i]);
    service_close(&rm);
    service_close(&elsewhere);
}

// What names a dataspace, a map, a domain tells a life of its selector by a counter, which is no
// client's to change.
static void names_are_changed_by_nobody(void)
{
    struct service_client pd;
    u64 physical, bytes;
    sel_t map, managed, memory;
    CHECK_EQ(open_args(&pd, "pd", "", MEBI), SUCCESS);
    CHECK_EQ(rm_create(&pd, PAGE_SIZE, &map, &managed), SUCCESS);
    CHECK_EQ(ds_alloc(&pd, PAGE_SIZE, &memory), SUCCESS);
    const sel_t names[] = {map, managed, memory};
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        CHECK_EQ(hc_sm_up(names[i]), ECAP);
        CHECK_EQ(hc_sm_down(names[i], 1), ECAP);
    }
    CHECK_EQ(ds_phys(&pd, memory, &physical, &bytes), SUCCESS);
    ds_free(&pd, memory);
    rm_destroy(&pd, map, managed);
    service_close(&pd);
}

// A client that does one operation after the other, and is killed in the middle of one.
static struct service_client mine[3]; // pd, cpu, rm
static volatile u64 operations;
static void operate(void *argument)
{
    u64 state = (u64)argument;
    struct rm_window w = {0, 0, RM_ANYWHERE, RM_WRITE | RM_POPULATE};
    struct domain_client d;
    sel_t one = SEL_NONE, m, managed, runner, signal;
    if (semaphore_create(0, &signal))
        return;
    for (;; operations++) {
        if (domain_open(&mine[0], 65536, 64, &d))
            continue;
        if (ds_alloc(&mine[0], PAGE_SIZE << random_of(&state) % 4, &one))
            one = SEL_NONE;
        if (!rm_create(&mine[2], 64 * PAGE_SIZE, &m, &managed)) {
            (void)!rm_signal(&mine[2], m, signal);
            (void)!rm_attach(&mine[0], d.space, managed, &w, NULL);
            (void)!rm_attach(&mine[2], m, one, &w, NULL);
            (void)!rm_detach(&mine[2], m, 0);
        }
        (void)!rm_attach(&mine[0], d.space, one, &w, NULL);
        (void)!cpu_exception_signal(&mine[1], d.domain, signal);
        if (!cpu_thread_create(&mine[1], d.domain, 0, 10, UTCBS, "brief", &runner)) {
            (void)!cpu_thread_start(&mine[1], runner, CODE, 0, 0); // faults
            (void)!cpu_thread_pause(&mine[1], runner);
            if (random_of(&state) % 2)
                cpu_thread_kill(&mine[1], runner);
        }
        if (random_of(&state) % 2)
            ds_free(&mine[0], one);
        rm_destroy(&mine[2], m, managed);
        domain_close(&mine[0], &d);
    }
}

static void clients_die_inside_each_operation(void)
{
    enum { LIVES = 150, LONGEST_US = 4000 };
    u64 ram, after, caps, state = 99;
    CHECK_EQ(env_quota(&ram, &caps), SUCCESS);
    operations = 0;
    for (unsigned life = 0; life < LIVES; life++) {
        struct thread t;
        CHECK_EQ(open_args(&mine[0], "pd", "", 2 * MEBI), SUCCESS);
        CHECK_EQ(open_args(&mine[1], "cpu", "10", 0), SUCCESS);
        CHECK_EQ(open_args(&mine[2], "rm", "", MEBI), SUCCESS);
        CHECK_EQ(thread_create(&t, life % hip()->cpu_count, 20, "dies", operate,
                               (void *)(word_t)(life + 1)),
                 SUCCESS);
        if (life == 0) // it does get somewhere
            (void)becomes_other(&operations, 0);
        pause_us(random_of(&state) % LONGEST_US);
        thread_destroy(&t);
        for (unsigned i = 0; i < ARRAY_SIZE(mine); i++)
            service_close(&mine[i]);
        CHECK_EQ(env_quota(&after, &caps), SUCCESS);
        CHECK_EQ(after, ram);
    }
    CHECK(operations > 0);
    CHECK(space_open(&space)); // and the services serve
    CHECK(space_thread(&space, 0, PIECE_COUNT, SHARED) != SEL_NONE);
    CHECK(moves(&space.shared->counter[0]));
    space_close(&space);
}

// A thread of the lowest priority allocates from an account whose reference account is closed by
// somebody who does not wait for it: its request is in the middle, and stays there.
static struct service_client lender, borrower;
static volatile bool enough;
static void allocate(void *unused)
{
    (void)unused;
    while (!enough) {
        sel_t one;
        if (!ds_alloc(&borrower, 32 * PAGE_SIZE, &one))
            ds_free(&borrower, one);
        operations++;
    }
}

static error_t close_at_the_parent(const struct service_client *c)
{
    struct msg m;
    parent_begin(&m, PARENT_CLOSE);
    msg_put_item(&m, item_translate(crd(CRD_OBJ, c->base + CLIENT_PSEUDONYM, 0, RIGHT_ALL)));
    return parent_call(&m);
}

static void accounts_end_under_requests_of_low_priority(void)
{
    enum { ROUNDS = 100, LONGEST_US = 2000 };
    const struct service_quota lent = {MEBI, 20};
    u64 state = 31, ram, after, caps;
    CHECK_EQ(env_quota(&ram, &caps), SUCCESS);
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct thread t;
        struct pd_accounts now;
        CHECK_EQ(open_args(&lender, "pd", "", 2 * MEBI), SUCCESS);
        CHECK_EQ(open_args(&borrower, "pd", "", 0), SUCCESS);
        CHECK_EQ(pd_reference(&borrower, &lender), SUCCESS);
        CHECK_EQ(pd_transfer(&borrower, lent, false), SUCCESS);
        operations = 0;
        enough = false;
        CHECK_EQ(thread_create(&t, thread_cpu(), 1, "allocates", allocate, NULL), SUCCESS);
        CHECK(becomes_other(&operations, 0));
        pause_us(random_of(&state) % LONGEST_US);
        CHECK_EQ(close_at_the_parent(&lender), SUCCESS);
        CHECK_EQ(env_quota(&after, &caps), SUCCESS);
        CHECK(after + 2 * PAGE_SIZE > ram); // what the other session cost is less
        CHECK_EQ(pd_accounts(&borrower, &now), SUCCESS);
        CHECK(now.used.ram == PD_PRICE && now.limit.ram == PD_PRICE);
        enough = true;
        thread_join(&t);
        service_close(&borrower);
        service_close(&lender);
        CHECK_EQ(env_quota(&after, &caps), SUCCESS);
        CHECK_EQ(after, ram);
    }
}

// A thread asks for its session's ports again and again, at the portal itself, so that no other
// session is opened for it.
static void ask_for_ports(void *argument)
{
    const struct service_client *c = argument;
    utcb()->window2 = crd(CRD_IO, 0, 16, RIGHT_ALL);
    for (; !enough; operations++) {
        struct msg m;
        msg_begin(&m);
        msg_put_word(&m, IO_PORT_PORTS);
        msg_put_word(&m, 0);
        msg_put_item(&m, item_translate(crd(CRD_OBJ, c->base + CLIENT_SESSION, 0, RIGHT_ALL)));
        (void)!msg_call(&m, c->base + CLIENT_PORTAL + thread_cpu());
    }
}

// The session ends when a reply that gives its ports away has been written, and is not sent yet.
static void ended_sessions_give_nothing(void)
{
    enum { ROUNDS = 200, LONGEST_US = 1000 };
    u64 state = 77;
    crd_t found;
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct service_client ports;
        struct thread t;
        CHECK_EQ(open_args(&ports, "io_port", "0xe0,4", 0), SUCCESS);
        operations = 0;
        enough = false;
        CHECK_EQ(thread_create(&t, thread_cpu(), 1, "asks", ask_for_ports, &ports), SUCCESS);
        CHECK(becomes_other(&operations, 0));
        pause_us(random_of(&state) % LONGEST_US);
        CHECK_EQ(close_at_the_parent(&ports), SUCCESS);
        u64 then = operations;
        CHECK(becomes_other(&operations, then));
        enough = true;
        thread_join(&t);
        CHECK_EQ(hc_lookup(crd(CRD_IO, 0xe0, 0, RIGHT_ALL), &found), ECAP);
        service_close(&ports);
    }
}

// A thread goes on writing to a dataspace that is freed, from another CPU: its next owner finds the
// memory zeroed, and it stays so.
static void freed_memory_is_written_by_nobody(void)
{
    enum { ROUNDS = 40, WORDS = PAGE_SIZE / sizeof(u64) };
    struct thread_exception e;
    CHECK(space_open(&space));
    for (unsigned i = 0; i < ROUNDS; i++) {
        volatile u64 *before, *after;
        sel_t first = space_memory(&space, PAGE_SIZE, &before);
        CHECK_EQ(space_attach(&space, first, 0x10000000, RM_WRITE), SUCCESS);
        sel_t writer = space_thread(&space, hip()->cpu_count - 1, PIECE_COUNT, 0x10000008);
        CHECK(moves(&before[1]));
        u64 physical, again, bytes;
        CHECK_EQ(ds_phys(&space.pd, first, &physical, &bytes), SUCCESS);
        ds_free(&space.pd, first);
        sel_t next = space_memory(&space, PAGE_SIZE, &after);
        CHECK_EQ(ds_phys(&space.pd, next, &again, &bytes), SUCCESS);
        for (unsigned word = 0; word < WORDS; word++)
            CHECK_EQ(after[word], 0);
        CHECK_EQ(space_exception(&space, &e), SUCCESS);
        CHECK_EQ(e.address, 0x10000008);
        for (unsigned word = 0; word < WORDS; word++)
            CHECK_EQ(after[word], 0);
        CHECK_EQ(physical, again); // or this test proves nothing
        selector_drop(e.thread);
        cpu_thread_kill(&space.cpu, writer);
        ds_free(&space.pd, next);
    }
    space_close(&space);
}

static void read_soak_rounds(void)
{
    static const char key[] = "soak=";
    const char *at = hip()->cmdline;
    if (strncmp(at, key, sizeof(key) - 1))
        return;
    soak_rounds = 0;
    for (at += sizeof(key) - 1; *at >= '0' && *at <= '9'; at++)
        soak_rounds = soak_rounds * 10 + (u64)(*at - '0');
}

void hostile_tests(void)
{
    read_soak_rounds();
    RUN(names_are_changed_by_nobody);
    RUN(cycles_are_refused);
    RUN(freed_memory_is_written_by_nobody);
    RUN(clients_die_inside_each_operation);
    RUN(accounts_end_under_requests_of_low_priority);
    RUN(ended_sessions_give_nothing);
    RUN(random_requests_harm_nobody);
    RUN(memory_does_not_go_to_pieces);
}
