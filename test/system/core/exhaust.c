// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Accounts that run dry after k units, for every k until the operation succeeds, in every operation
// that costs something: RAM, capability slots, kernel memory. A refusal leaves all accounts as they
// were, and when all is closed, all is back.
#include "lib/core/dataspace.h"
#include "lib/rt/selector.h"
#include "lib/rt/start.h"
#include "lib/rt/thread.h"
#include "test/system/check.h"
#include "test/system/core/core.h"
#include "test/system/core/space.h"

enum { MEBI = 1 << 20, RAM_STEP = 64, STEPS_MAX = 2000, LENT_CAPS = 400 };

static struct service_client rich, dry, cpu;
static struct domain_client made;
static sel_t map, map_ds, thread, one_ds, rich_ds, semaphore;

static error_t step_domain(void)
{
    return domain_open(&dry, 65536, 64, &made);
}

static error_t step_assign_parent(void)
{
    return domain_assign_parent(&dry, &made, 0, SEL_PARENT);
}

static error_t step_map(void)
{
    return rm_create(&dry, PAGE_SIZE, &map, &map_ds);
}

static error_t step_map_signal(void)
{
    return rm_signal(&dry, map, semaphore);
}

static error_t step_attach(void)
{
    struct rm_window w = {0, 0, RM_ANYWHERE, RM_WRITE};
    return rm_attach(&dry, made.space, rich_ds, &w, NULL);
}

static error_t step_thread(void)
{
    return cpu_thread_create(&cpu, made.domain, 0, 10, UTCBS, "dry", &thread);
}

static error_t step_domain_signal(void)
{
    return cpu_exception_signal(&cpu, made.domain, semaphore);
}

static error_t step_thread_signal(void)
{
    return cpu_exception_signal(&cpu, thread, semaphore);
}

static error_t step_alloc(void)
{
    return ds_alloc(&dry, PAGE_SIZE, &one_ds);
}

static const struct step {
    error_t (*run)(void);
    const char *name;
    bool ram; // it costs RAM, not only slots
} steps[] = {
    {step_domain, "domain", true},
    {step_assign_parent, "assign parent", false},
    {step_map, "map", true},
    {step_map_signal, "map signal", false},
    {step_attach, "attach", true},
    {step_thread, "thread", true},
    {step_domain_signal, "domain signal", false},
    {step_thread_signal, "thread signal", false},
    {step_alloc, "alloc", true},
};

static struct service_quota used(struct service_client *pd)
{
    struct pd_accounts a;
    return pd_accounts(pd, &a) ? (struct service_quota){~0ul, ~0ul} : a.used;
}

static struct service_quota spare(struct service_client *pd)
{
    struct pd_accounts a = {0};
    (void)!pd_accounts(pd, &a);
    return (struct service_quota){a.limit.ram - a.used.ram, a.limit.caps - a.used.caps};
}

static unsigned refused;

// Gives the account `more` a step until the operation succeeds; counts the refusals.
static void grow_until(const struct step *s, struct service_quota more)
{
    struct service_quota before = used(&dry);
    error_t error;
    refused = 0;
    while ((error = s->run()) && refused < STEPS_MAX) {
        struct service_quota now = used(&dry);
        CHECK_EQ(error, ERESOURCE);
        CHECK_EQ(now.ram, before.ram);
        CHECK_EQ(now.caps, before.caps);
        CHECK_EQ(pd_transfer(&dry, more, false), SUCCESS);
        refused++;
    }
    CHECK_EQ(error, SUCCESS);
}

// One of the two is there in plenty, the other grows from nothing.
static void one_account_dry(bool ram)
{
    const struct service_quota plenty = ram ? (struct service_quota){0, LENT_CAPS}
                                            : (struct service_quota){MEBI / 2, 0},
                               more = ram ? (struct service_quota){RAM_STEP, 0}
                                          : (struct service_quota){0, 1};
    CHECK_EQ(open_args(&dry, "pd", "", 0), SUCCESS);
    CHECK_EQ(open_args(&cpu, "cpu", "10", 0), SUCCESS);
    CHECK_EQ(pd_reference(&dry, &rich), SUCCESS);
    CHECK_EQ(pd_transfer(&dry, plenty, false), SUCCESS);
    for (unsigned i = 0; i < ARRAY_SIZE(steps); i++) {
        struct service_quota left = spare(&dry);
        *(ram ? &left.caps : &left.ram) = 0;
        CHECK_EQ(pd_transfer(&dry, left, true), SUCCESS);
        grow_until(&steps[i], more);
        if (ram ? steps[i].ram : i != 4) // an attachment takes no slot
            CHECK(refused > 0);
        else
            CHECK_EQ(refused, 0);
    }
    service_close(&dry);
    service_close(&cpu);
    sel_t names[] = {made.domain, made.pd, made.space, made.stack_area, made.linker_area};
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
        hc_drop(names[i]);
    selector_free_range(made.domain, 3);
    sel_t pairs[] = {map, map_ds, thread, one_ds};
    for (unsigned i = 0; i < ARRAY_SIZE(pairs); i++)
        hc_drop(pairs[i]);
    selector_free_range(map, 1);
    selector_free(thread);
    selector_free(one_ds);
}

static void accounts_run_dry_at_every_step(void)
{
    u64 ram, caps;
    CHECK_EQ(settle(), SUCCESS);
    CHECK_EQ(env_quota(&ram, &caps), SUCCESS);
    CHECK_EQ(semaphore_create(0, &semaphore), SUCCESS);
    for (unsigned round = 0; round < 2; round++) {
        CHECK_EQ(open_args(&rich, "pd", "", MEBI), SUCCESS);
        CHECK_EQ(service_upgrade(&rich, (struct service_quota){0, LENT_CAPS}), SUCCESS);
        CHECK_EQ(ds_alloc(&rich, PAGE_SIZE, &rich_ds), SUCCESS);
        struct service_quota all = used(&rich), left = spare(&rich);
        one_account_dry(round == 0);
        CHECK(used(&rich).ram == all.ram && used(&rich).caps == all.caps);
        CHECK(spare(&rich).ram == left.ram && spare(&rich).caps == left.caps);
        service_close(&rich);
        selector_drop(rich_ds);
    }
    selector_drop(semaphore);
    CHECK(quota_is_back(ram, caps));
}

// What was donated with a session is its client's: it does not go to the reference account, however
// much of it is unused.
static void only_what_was_lent_goes_back(void)
{
    const struct service_quota some = {MEBI / 4, 10}, more_ram = {MEBI / 4 + 1, 0},
                               more_caps = {0, 11}, byte = {1, 0};
    struct pd_accounts before, after;
    CHECK_EQ(open_args(&rich, "pd", "", MEBI), SUCCESS);
    CHECK_EQ(open_args(&dry, "pd", "", MEBI), SUCCESS);
    CHECK_EQ(pd_accounts(&dry, &before), SUCCESS);
    CHECK_EQ(pd_reference(&dry, &rich), SUCCESS);
    CHECK_EQ(pd_transfer(&dry, byte, true), ERESOURCE);
    CHECK_EQ(pd_transfer(&dry, some, false), SUCCESS);
    CHECK_EQ(pd_transfer(&dry, more_ram, true), ERESOURCE);
    CHECK_EQ(pd_transfer(&dry, more_caps, true), ERESOURCE);
    CHECK_EQ(pd_transfer(&dry, some, true), SUCCESS);
    CHECK_EQ(pd_transfer(&dry, byte, true), ERESOURCE);
    CHECK_EQ(pd_accounts(&dry, &after), SUCCESS);
    CHECK(after.limit.ram == before.limit.ram && after.limit.caps == before.limit.caps);
    service_close(&dry);
    service_close(&rich);
}

// A domain whose kernel memory is too small by any amount: neither it nor a thread in it comes to
// be, or both do.
static void kernel_memory_runs_dry_at_every_step(void)
{
    enum { KMEM_STEP = 512, KMEM_MAX = 512 * 1024 };
    unsigned without_domain = 0, without_thread = 0;
    u64 kmem = 0;
    bool done = false;
    CHECK_EQ(open_args(&dry, "pd", "", MEBI), SUCCESS);
    CHECK_EQ(service_upgrade(&dry, (struct service_quota){0, 4 * LENT_CAPS}), SUCCESS);
    CHECK_EQ(open_args(&cpu, "cpu", "10", 0), SUCCESS);
    struct service_quota before = used(&dry);
    for (; !done && kmem < KMEM_MAX; kmem += KMEM_STEP) {
        error_t error = domain_open(&dry, kmem, 64 + 32 * hip()->cpu_count, &made);
        if (error) {
            CHECK_EQ(error, EMEM);
            without_domain++;
        } else {
            struct service_quota with = used(&dry);
            error = cpu_thread_create(&cpu, made.domain, 0, 10, UTCBS, "dry", &thread);
            done = !error;
            if (done) {
                cpu_thread_kill(&cpu, thread);
            } else {
                CHECK_EQ(error, EMEM);
                without_thread++;
            }
            CHECK(used(&dry).ram == with.ram && used(&dry).caps == with.caps);
            domain_close(&dry, &made);
        }
        CHECK(used(&dry).ram == before.ram && used(&dry).caps == before.caps);
    }
    CHECK(done && without_domain && without_thread);
    service_close(&dry);
    service_close(&cpu);
}

// What the kernel keeps for sigma0's view of a module is paid by who has it open.
static bool large_modules_cost_more(const u64 *price)
{
    enum { LOG, ROM, PAGES_A_SLOT = 16 };
    struct rom rom;
    if (rom_open(&rom, "init"))
        return false;
    u64 pages = ALIGN_UP(rom.size, PAGE_SIZE) / PAGE_SIZE;
    rom_close(&rom);
    return pages >= 2 * PAGES_A_SLOT && price[ROM] == price[LOG] + pages / PAGES_A_SLOT;
}

// A session is opened with k bytes and k slots: it is refused, and nothing is lost, until that is
// its price.
static void sessions_are_refused_below_their_price(void)
{
    static const char *const services[][2] = {{"log", ""},
                                              {"rom", "init"},
                                              {"pd", ""},
                                              {"cpu", "1"},
                                              {"rm", ""},
                                              {"irq", "8"},
                                              {"io_port", "0xe0,1"},
                                              {"io_mem", "0xfed00000,4096"}};
    u64 ram, caps, price[ARRAY_SIZE(services)];
    CHECK_EQ(settle(), SUCCESS);
    CHECK_EQ(env_quota(&ram, &caps), SUCCESS);
    for (unsigned i = 0; i < ARRAY_SIZE(services); i++) {
        struct service_client c;
        for (unsigned account = 0; account < 2; account++) {
            error_t error;
            for (refused = 0;; refused++) {
                CHECK_EQ(service_init(&c, services[i][0], "test", services[i][1],
                                      (struct service_quota){0, 0}),
                         SUCCESS);
                c.fixed = true;
                c.quota = account ? (struct service_quota){4096, refused}
                                  : (struct service_quota){refused * 16, 100};
                error = service_open(&c);
                service_close(&c);
                if (error != ERESOURCE)
                    break;
            }
            CHECK_EQ(error, SUCCESS);
            CHECK(refused > 0);
        }
        price[i] = refused; // in slots
    }
    CHECK(large_modules_cost_more(price));
    CHECK(quota_is_back(ram, caps));
}

void exhaust_tests(void)
{
    RUN(accounts_run_dry_at_every_step);
    RUN(only_what_was_lent_goes_back);
    RUN(kernel_memory_runs_dry_at_every_step);
    RUN(sessions_are_refused_below_their_price);
}
