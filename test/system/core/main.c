// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// sigma0's services as init sees them: the parent protocol with every wrong argument, then each
// service: hostile first, then what it is for, then that closing gives all of it back.
#include "test/system/check.h"
#include "test/system/core/core.h"
#include "test/system/exit.h"
#include "test/system/wait.h"
#include "lib/rt/address.h"
#include "lib/rt/memory.h"
#include "lib/rt/selector.h"
#include "lib/rt/start.h"
#include "lib/rt/string.h"
#include "lib/rt/tsc.h"
#include "lib/service/env.h"
#include "lib/service/keep.h"

enum { MEBI = 1 << 20, CAPS = 200 };

error_t open_args(struct service_client *c, const char *name, const char *args, u64 ram)
{
    error_t error =
        service_init(c, name, "test", args, (struct service_quota){ram, ram ? CAPS : 0});
    c->fixed = !strcmp(name, "pd") || !strcmp(name, "rm"); // what is refused is to be seen
    if (!error && (error = service_open(c)))
        service_close(c);
    return error;
}

error_t try_args(const char *name, const char *args)
{
    struct service_client c;
    error_t error = open_args(&c, name, args, 0);
    if (!error)
        service_close(&c);
    return error;
}

static volatile u32 ran;
static void count_and_leave(void *argument)
{
    (void)argument;
    __atomic_fetch_add(&ran, 1, __ATOMIC_RELAXED);
}

// A hypercall that wants more kernel memory than there is waits for all that comes back. Some of
// that has more released: a domain comes after its threads.
error_t settle_released(void)
{
    enum { DEEP = 3 };
    sel_t sel = selector_alloc();
    error_t error = EMEM;
    for (unsigned i = 0; i < DEEP && error == EMEM; i++)
        error = hc_create_pd(sel, SEL_PD, 1ul << 62, 0);
    selector_free(sel);
    return error == EMEM ? SUCCESS : EABORT;
}

// A CPU does what others have asked of it, such as ending a thread, before it runs a new one.
error_t settle(void)
{
    error_t error = SUCCESS;
    for (unsigned cpu = 0; cpu < hip()->cpu_count && !error; cpu++) {
        struct thread t;
        error = thread_create(&t, cpu, 20, "passes", count_and_leave, NULL);
        if (!error)
            thread_join(&t);
    }
    if (!error)
        error = settle_released();
    return error ? error : try_args("log", "");
}

bool quota_is_back(u64 ram, u64 caps)
{
    u64 ram_now = 0, caps_now = 0;
    for (u64 end = deadline_in_us(PATIENCE_US); rdtsc() < end;) {
        if (!try_args("log", "") && !env_quota(&ram_now, &caps_now) && ram_now == ram &&
            caps_now == caps)
            return true;
    }
    print("  found %lu bytes and %lu slots, expected %lu and %lu\n", ram_now, caps_now, ram, caps);
    return false;
}

// A raw request to the parent: `words` words and one item.
static error_t parent_raw(word_t operation, word_t w2, struct typed_item item)
{
    struct msg m;
    msg_begin(&m);
    msg_put_word(&m, operation);
    msg_put_word(&m, 0);
    msg_put_word(&m, w2);
    if (item.crd)
        msg_put_item(&m, item);
    return parent_call(&m);
}

static struct typed_item own(sel_t sel)
{
    return item_translate(crd(CRD_OBJ, sel, 0, RIGHT_ALL));
}

static void parent_refuses_nonsense(void)
{
    struct typed_item none = {0, 0};
    struct msg m;
    msg_begin(&m);
    CHECK_EQ(parent_call(&m), EPROTO); // not even an operation
    CHECK_EQ(parent_raw(999, 0, none), EPROTO);
    CHECK_EQ(parent_raw(PARENT_OPEN, 0, none), EPROTO);
    CHECK_EQ(parent_raw(PARENT_CLOSE, 0, none), ENOTFOUND);
    CHECK_EQ(parent_raw(PARENT_CLOSE, 0, own(SEL_IDENTITY)), ENOTFOUND);
    CHECK_EQ(parent_raw(PARENT_CLOSE, 0, own(SEL_PARENT)), ENOTFOUND);
    CHECK_EQ(parent_raw(PARENT_GET_PORTAL, 0, none), ENOTFOUND);
    CHECK_EQ(parent_raw(PARENT_GET_PORTAL, 64, none), EPROTO);
    CHECK_EQ(parent_raw(PARENT_REGISTER, 0, none), EPROTO);
    CHECK_EQ(parent_raw(PARENT_UNREGISTER, 0, none), ENOTFOUND);
    CHECK_EQ(parent_raw(PARENT_GET_QUOTA, 0, own(SEL_IDENTITY)), EPERM);
    CHECK_EQ(parent_raw(PARENT_SINGLETON, 0, own(SEL_IDENTITY)), EPERM);
    CHECK_EQ(parent_raw(PARENT_SIGNAL, 77, none), EPROTO);
    CHECK_EQ(parent_raw(PARENT_KEEP, 0, none), EPROTO);
    CHECK_EQ(parent_raw(PARENT_DROP, 0, none), EPROTO);
    CHECK_EQ(parent_raw(PARENT_SESSIONS, 0, none), EPROTO);
    struct kept kept;
    CHECK_EQ(kept_open(&kept, "mine", PAGE_SIZE), EFEATURE); // init has no next life
    CHECK_EQ(kept_forget("mine"), EFEATURE);
    CHECK_EQ(try_args("nowhere", ""), EPERM);
}

static void parent_bounds_strings(void)
{
    struct msg m;
    char name[SERVICE_NAME_MAX + 8];
    memset(name, 'x', sizeof(name));
    name[sizeof(name) - 1] = 0;
    msg_begin(&m);
    msg_put_word(&m, PARENT_OPEN);
    for (unsigned i = 0; i < 3; i++)
        msg_put_word(&m, 0);
    msg_put_string(&m, name);
    msg_put_string(&m, "");
    msg_put_string(&m, "");
    CHECK_EQ(parent_call(&m), EPROTO);
    msg_begin(&m);
    for (unsigned i = 0; i < 4; i++)
        msg_put_word(&m, i ? 0 : PARENT_OPEN);
    msg_put_string(&m, "log"); // and neither label nor arguments
    CHECK_EQ(parent_call(&m), EPROTO);
    msg_begin(&m);
    for (unsigned i = 0; i < 4; i++)
        msg_put_word(&m, i ? 0 : PARENT_OPEN);
    msg_put_word(&m, ~0ul); // a length that wraps around
    CHECK_EQ(parent_call(&m), EPROTO);
}

static void donation_beyond_the_account_is_refused(void)
{
    struct service_client c;
    u64 ram, caps, after;
    CHECK_EQ(env_quota(&ram, &caps), SUCCESS);
    CHECK_EQ(open_args(&c, "pd", "", ram + PAGE_SIZE), ERESOURCE);
    CHECK_EQ(open_args(&c, "pd", "", ~0ul), ERESOURCE);
    CHECK_EQ(env_quota(&after, &caps), SUCCESS);
    CHECK_EQ(after, ram);
    CHECK_EQ(open_args(&c, "pd", "", MEBI), SUCCESS);
    CHECK_EQ(env_quota(&after, &caps), SUCCESS);
    CHECK_EQ(after, ram - MEBI);
    service_close(&c);
    CHECK_EQ(env_quota(&after, &caps), SUCCESS);
    CHECK_EQ(after, ram);
}

// As many as the account pays for; when it is empty, the next is refused, and all comes back.
static void sessions_run_out_and_come_back(void)
{
    enum { MANY = 1500 };
    static struct service_client clients[MANY];
    struct service_client c;
    u64 ram, caps, after, caps_after;
    CHECK_EQ(settle(), SUCCESS);
    CHECK_EQ(env_quota(&ram, &caps), SUCCESS);
    for (unsigned i = 0; i < MANY; i++)
        CHECK_EQ(open_args(&clients[i], "log", "", i ? 0 : ram - MANY * 2 * PAGE_SIZE), SUCCESS);
    CHECK_EQ(env_quota(&after, &caps_after), SUCCESS);
    CHECK(after < MANY * 2 * PAGE_SIZE && caps_after < caps - MANY * service_caps_least());
    CHECK_EQ(open_args(&c, "log", "", after + 1), ERESOURCE);
    for (unsigned i = 0; i < MANY; i++)
        service_close(&clients[i]);
    CHECK(quota_is_back(ram, caps));
    for (unsigned i = 0; i < 1000; i++)
        CHECK_EQ(try_args("log", ""), SUCCESS);
}

static void handles_give_their_selectors_back(void)
{
    for (unsigned i = 0; i < 20000; i++) { // more than there are selectors
        struct service_client c;
        CHECK_EQ(service_init(&c, "log", "", "", (struct service_quota){0, 0}), SUCCESS);
        service_close(&c);
    }
}

static void closed_session_is_opened_anew(void)
{
    struct service_client c;
    word_t w[4] = {0};
    CHECK_EQ(open_args(&c, "rom", "init", 0), SUCCESS);
    CHECK_EQ(service_call0(&c, SERVICE_CLOSE), SUCCESS); // behind the library's back
    CHECK_EQ(service_call_words(&c, ROM_SIZE, w), SUCCESS);
    CHECK(w[1] > PAGE_SIZE);
    service_close(&c);
}

static void unknown_operations_are_refused(void)
{
    static const char *const services[][2] = {{"log", ""},
                                              {"rom", "init"},
                                              {"pd", ""},
                                              {"cpu", "1"},
                                              {"irq", "23"},
                                              {"io_port", "0xe0,1"},
                                              {"io_mem", "0xfed00000,4096"}};
    for (unsigned i = 0; i < ARRAY_SIZE(services); i++) {
        struct service_client c;
        CHECK_EQ(open_args(&c, services[i][0], services[i][1], 0), SUCCESS);
        for (word_t operation = SERVICE_UPGRADE + 1; operation < 16; operation++)
            CHECK_EQ(service_call2(&c, operation, ~0ul, ~0ul), EPROTO);
        CHECK_EQ(service_call2(&c, ~0ul, 0, 0), EPROTO);
        service_close(&c);
    }
}

static void memory_is_accounted(void)
{
    u64 used, limit, high, after;
    sel_t ds;
    CHECK_EQ(memory_info(&used, &limit, &high), SUCCESS);
    CHECK_EQ(dataspace_alloc(0, 0, &ds), EPROTO);
    CHECK_EQ(dataspace_alloc(~0ul, 0, &ds), EPROTO);
    CHECK_EQ(dataspace_alloc(1ul << 63, 0, &ds), ERESOURCE);
    env_pd.fixed = true;
    CHECK_EQ(dataspace_alloc(limit - used + 1, 0, &ds), ERESOURCE);
    env_pd.fixed = false;
    CHECK_EQ(memory_info(&after, &limit, &high), SUCCESS);
    CHECK_EQ(after, used);
    CHECK_EQ(dataspace_alloc(3 * MEBI + 1, 0, &ds), SUCCESS);
    CHECK_EQ(memory_info(&after, &limit, &high), SUCCESS);
    CHECK_EQ(after, used + 3 * MEBI + PAGE_SIZE + PD_DATASPACE_COST);
    dataspace_free(ds);
    CHECK_EQ(memory_info(&after, &limit, &high), SUCCESS);
    CHECK_EQ(after, used);
    CHECK(high >= used + 3 * MEBI);
}

static void dataspaces_are_shared_and_vanish(void)
{
    sel_t ds;
    crd_t found;
    u64 phys;
    size_t bytes = 5 * PAGE_SIZE;
    volatile u64 *a = (void *)address_alloc(bytes), *b = (void *)address_alloc(bytes);
    CHECK_EQ(dataspace_alloc(bytes, 0, &ds), SUCCESS);
    CHECK_EQ(dataspace_attach(ds, (void *)a, bytes, 0), SUCCESS);
    CHECK_EQ(dataspace_attach(ds, (void *)b, bytes, PD_READ_ONLY), SUCCESS);
    for (unsigned i = 0; i < bytes / 8; i++)
        CHECK_EQ(a[i], 0);
    a[4 * PAGE_SIZE / 8] = 0x1234;
    CHECK_EQ(b[4 * PAGE_SIZE / 8], 0x1234);
    CHECK_EQ(hc_lookup(crd(CRD_MEM, (word_t)b / PAGE_SIZE, 0, RIGHT_ALL), &found), SUCCESS);
    CHECK_EQ(crd_rights(found), MEM_R);
    CHECK_EQ(dataspace_phys(ds, &phys), SUCCESS);
    CHECK(phys && phys % PAGE_SIZE == 0);
    CHECK_EQ(dataspace_attach(SEL_IDENTITY, (void *)a, bytes, 0), ENOTFOUND);
    CHECK_EQ(dataspace_phys(SEL_PD, &phys), ENOTFOUND);
    dataspace_free(ds);
    CHECK_EQ(hc_lookup(crd(CRD_MEM, (word_t)a / PAGE_SIZE, 0, RIGHT_ALL), &found), ECAP);
    CHECK_EQ(hc_lookup(crd(CRD_MEM, (word_t)b / PAGE_SIZE + 4, 0, RIGHT_ALL), &found), ECAP);
    address_free((word_t)a, bytes);
    address_free((word_t)b, bytes);
}

static void freed_memory_comes_back_zeroed(void)
{
    for (unsigned round = 0; round < 50; round++) {
        size_t bytes = (round % 7 + 1) * 5 * PAGE_SIZE;
        u64 *memory = memory_alloc(bytes);
        CHECK(memory);
        for (unsigned i = 0; i < bytes / 8; i++)
            CHECK_EQ(memory[i], 0);
        memset(memory, 0xa5, bytes);
        memory_free(memory, bytes);
    }
}

static void closing_a_session_frees_its_memory(void)
{
    u64 ram, caps, after;
    sel_t ds[20];
    CHECK_EQ(env_quota(&ram, &caps), SUCCESS);
    for (unsigned round = 0; round < 20; round++) {
        struct service_client pd;
        CHECK_EQ(open_args(&pd, "pd", "", 4 * MEBI), SUCCESS);
        for (unsigned i = 0; i < ARRAY_SIZE(ds); i++) {
            ds[i] = selector_alloc();
            struct utcb_copy copy;
            utcb_save(&copy);
            error_t error = dataspace_alloc_at(&pd, 200 * 1024, 0, ds[i], 0, 0);
            utcb_restore(&copy);
            CHECK_EQ(error, SUCCESS);
        }
        service_close(&pd);
        crd_t found;
        for (unsigned i = 0; i < ARRAY_SIZE(ds); i++) {
            CHECK_EQ(hc_lookup(crd(CRD_OBJ, ds[i], 0, RIGHT_ALL), &found), ECAP);
            selector_free(ds[i]);
        }
        CHECK_EQ(env_quota(&after, &caps), SUCCESS);
        CHECK_EQ(after, ram);
    }
}

static void threads_come_and_go_on_all_cpus(void)
{
    ran = 0;
    for (unsigned i = 0; i < 40; i++) {
        struct thread t;
        CHECK_EQ(thread_create(&t, i % hip()->cpu_count, 20, "brief", count_and_leave, NULL),
                 SUCCESS);
        thread_join(&t);
    }
    CHECK_EQ(ran, 40);
    struct thread t;
    CHECK_EQ(thread_create(&t, hip()->cpu_count, 20, "nowhere", count_and_leave, NULL), ECPU);
}

static void statistics_name_the_threads(void)
{
    struct service_client c;
    struct msg m;
    char name[128];
    bool seen = false;
    CHECK_EQ(open_args(&c, "cpu", "1,all", 0), SUCCESS);
    service_begin(&c, &m, CPU_STATISTICS);
    msg_put_word(&m, 0);
    CHECK_EQ(service_call(&c, &m), SUCCESS);
    (void)msg_get_word(&m);
    word_t here = msg_get_word(&m);
    for (word_t i = 0; i < here; i++) {
        word_t time = msg_get_word(&m);
        (void)msg_get_word(&m);
        msg_get_string(&m, name, sizeof(name));
        seen |= !strcmp(name, "init") && time > 0;
    }
    CHECK_EQ(msg_error(&m), SUCCESS);
    service_close(&c);
    CHECK(seen);
}

static volatile u32 churn_errors;
static void churn(void *argument)
{
    for (unsigned i = 0; i < 100; i++) {
        struct service_client c;
        sel_t ds;
        if (dataspace_alloc((i % 5 + 1) * PAGE_SIZE, 0, &ds))
            __atomic_fetch_add(&churn_errors, 1, __ATOMIC_RELAXED);
        else
            dataspace_free(ds);
        if (open_args(&c, "log", "", 0))
            __atomic_fetch_add(&churn_errors, 1, __ATOMIC_RELAXED);
        else
            service_close(&c);
    }
    (void)argument;
}

static void all_cpus_use_services_at_once(void)
{
    struct thread t[MAX_CPUS];
    u64 used, after, limit, high;
    unsigned count = hip()->cpu_count;
    for (unsigned round = 0; round < 2; round++) { // the first leaves memory with the heap
        if (round)
            CHECK_EQ(memory_info(&used, &limit, &high), SUCCESS);
        for (unsigned i = 0; i < count; i++)
            CHECK_EQ(thread_create(&t[i], i, 20, "churn", churn, NULL), SUCCESS);
        for (unsigned i = 0; i < count; i++)
            thread_join(&t[i]);
    }
    CHECK_EQ(churn_errors, 0);
    CHECK_EQ(memory_info(&after, &limit, &high), SUCCESS);
    CHECK_EQ(after, used);
}

int main(void)
{
    if (!strcmp(hip()->cmdline, "show=memory-types")) {
        show_memory_types();
        return 1;
    }
    RUN(parent_refuses_nonsense);
    RUN(parent_bounds_strings);
    RUN(donation_beyond_the_account_is_refused);
    RUN(sessions_run_out_and_come_back);
    RUN(handles_give_their_selectors_back);
    RUN(closed_session_is_opened_anew);
    RUN(unknown_operations_are_refused);
    RUN(memory_is_accounted);
    RUN(dataspaces_are_shared_and_vanish);
    RUN(freed_memory_comes_back_zeroed);
    RUN(closing_a_session_frees_its_memory);
    RUN(threads_come_and_go_on_all_cpus);
    RUN(statistics_name_the_threads);
    RUN(all_cpus_use_services_at_once);
    rom_tests();
    device_tests();
    interrupt_tests();
    dma_tests();
    cpu_tests();
    priority_tests();
    domain_tests();
    domain_account_tests();
    attach_tests();
    populate_tests();
    life_tests();
    look_tests();
    trace_tests();
    exhaust_tests();
    exhaust_own_tests();
    name_tests();
    hostile_tests();
    race_tests();
    fuzz_tests();
    pages_tests();
    TESTS_DONE();
    machine_exit(tests_failed != 0);
    return 0;
}
