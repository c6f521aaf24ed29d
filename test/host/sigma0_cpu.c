// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The "cpu" service's arithmetic (sigma0/cpu.c): what of a pool's budget each of its scheduling
// contexts is given, exactly. That the kernel holds them to it is for test/system/core/cpu.c, which
// cannot measure it that finely.
// needs: sigma0/args.c lib/rt/dry.c lib/rt/message.c lib/rt/print.c lib/rt/selector.c lib/rt/string.c
// flags: -fno-builtin
#define RT_HOST_TEST
#include "lib/rt/hypercall.h"
#include "test/host/rt_stubs.h"

#include "sigma0/cpu.c"
#include "lib/rt/sync.c"

enum { ECS = 16, SELECTORS = 4096 };

void *heap_zalloc(size_t bytes)
{
    return calloc(1, bytes);
}
void heap_free(void *object)
{
    free(object);
}

// The kernel: what each scheduling context may use.
static struct {
    u32 budget_us, period_us;
} held[SELECTORS];
static bool refuses; // to make another one

error_t hc_raw(enum hypercall number, word_t a0, word_t a1, word_t a2, word_t a3, word_t a4,
               word_t a5, word_t *second)
{
    (void)a3, (void)a5;
    *second = 0; // an EC's CPU
    word_t budget = number == HC_create_sc ? a4 : a2;
    if (number == HC_create_sc && refuses)
        return EMEM;
    if (number == HC_create_sc || (number == HC_sc_ctrl && a1 == SC_SET_BUDGET)) {
        held[a0].budget_us = (u32)budget;
        held[a0].period_us = (u32)(budget >> 32);
    }
    return SUCCESS;
}

error_t server_charge_cost(struct server_session *session, struct server_cost cost)
{
    (void)session, (void)cost;
    return SUCCESS;
}
void server_uncharge_cost(struct server_session *session, struct server_cost cost)
{
    (void)session, (void)cost;
}
void server_withdraw(struct server *server, enum crd_kind kind, u64 first, u64 count)
{
    (void)server, (void)kind, (void)first, (void)count;
}
sel_t server_take_item(struct server_cpu *cpu, struct typed_item item)
{
    (void)cpu, (void)item;
    return SEL_NONE;
}
error_t thread_dispatch(struct cpu_session *session, struct server_cpu *cpu, word_t operation,
                        struct msg *m)
{
    (void)session, (void)cpu, (void)operation, (void)m;
    return EPROTO;
}
error_t thread_adopt(struct cpu_session *session, sel_t ec, const struct cpu_request *q, sel_t *sc)
{
    (void)session, (void)ec, (void)q, (void)sc;
    return EPROTO;
}
void thread_forget(struct cpu_session *session, sel_t sc)
{
    (void)session, (void)sc;
}
void threads_close(struct cpu_session *session)
{
    (void)session;
}

static struct server_session first, second, third;

static void open(struct server_session *session, const char *args)
{
    CHECK(!cpu_open(session, "client", args));
}

// A scheduling context of the session that asks for so much itself, 0: for no limit.
static sel_t give(struct server_session *session, u32 budget_us, u32 period_us)
{
    struct cpu_request q = {.priority = 1, .budget_us = budget_us, .period_us = period_us};
    sel_t sc = SEL_NONE;
    CHECK(!cpu_admit(session->user, 1, &q, &sc));
    return sc;
}

static bool has(sel_t sc, u32 budget_us, u32 period_us)
{
    bool so = held[sc].budget_us == budget_us && held[sc].period_us == period_us;
    if (!so)
        printf("  found %u us of %u, expected %u of %u\n", held[sc].budget_us, held[sc].period_us,
               budget_us, period_us);
    return so;
}

static void without_a_budget_all_is_as_asked_for(void)
{
    open(&first, "100");
    CHECK(has(give(&first, 0, 0), 0, 0));
    CHECK(has(give(&first, 700, 9000), 700, 9000));
    cpu_close(&first);
}

static void parts_are_equal_and_no_more_than_the_whole(void)
{
    sel_t sc[4];
    open(&first, "100,budget=1000,period=50000,pool=a");
    open(&second, "100,budget=1000,period=50000,pool=a");
    for (unsigned n = 0; n < 4; n++) {
        sc[n] = give(n % 2 ? &first : &second, 0, 0);
        for (unsigned i = 0; i <= n; i++)
            CHECK(has(sc[i], 1000 / (n + 1), 50000));
    }
    // What one leaves goes to the others, whose session ever it was of.
    for (unsigned n = 4; n-- > 1;) {
        CHECK(cpu_take_back(n % 2 ? first.user : second.user, sc[n]));
        for (unsigned i = 0; i < n; i++)
            CHECK(has(sc[i], 1000 / n, 50000));
    }
    cpu_close(&first);
    CHECK(has(sc[0], 1000, 50000));
    cpu_close(&second);
}

// Also of one whose thread the kernel did not take.
static void what_fails_takes_no_part(void)
{
    struct cpu_request q = {.priority = 1};
    sel_t sc;
    open(&first, "100,budget=1000,period=50000");
    sel_t only = give(&first, 0, 0);
    refuses = true;
    CHECK(cpu_admit(first.user, 1, &q, &sc) == EMEM);
    refuses = false;
    CHECK(has(only, 1000, 50000));
    CHECK(has(give(&first, 0, 0), 500, 50000));
    cpu_close(&first);
}

static void the_end_of_a_session_leaves_its_parts(void)
{
    open(&first, "100,budget=1200,period=50000,pool=a");
    open(&second, "100,budget=1200,period=50000,pool=a");
    sel_t stays = give(&first, 0, 0);
    (void)give(&second, 0, 0);
    (void)give(&second, 0, 0);
    CHECK(has(stays, 400, 50000));
    cpu_close(&second);
    CHECK(has(stays, 1200, 50000));
    cpu_close(&first);
}

// A thread may ask for less than its part; more it does not get, by the budget or by the period.
static void a_threads_own_limit_is_within_its_part(void)
{
    open(&first, "100,budget=1000,period=50000");
    sel_t less = give(&first, 300, 50000);
    CHECK(has(less, 300, 50000));
    sel_t more = give(&first, 900, 50000);
    CHECK(has(more, 500, 50000));
    CHECK(has(less, 300, 50000));
    sel_t often = give(&first, 100, 5000); // 1000 of 50000, and its part is 333
    CHECK(has(often, 333, 50000));
    sel_t seldom = give(&first, 1000, 500000);
    CHECK(has(seldom, 1000, 500000)); // 100 of 50000, and its part is 250
    CHECK(has(less, 250, 50000));     // its part is smaller now than what it asked for
    CHECK(cpu_take_back(first.user, more) && cpu_take_back(first.user, often));
    CHECK(has(less, 300, 50000));
    cpu_close(&first);
}

static void the_newest_session_says_what_the_pool_has(void)
{
    open(&first, "100,budget=1000,period=50000,pool=a");
    sel_t sc = give(&first, 0, 0);
    open(&second, "100,budget=6000,period=20000,pool=a");
    CHECK(has(sc, 6000, 20000));
    open(&third, "100,budget=500,period=20000,pool=b");
    CHECK(has(sc, 6000, 20000)); // another's
    CHECK(has(give(&third, 0, 0), 500, 20000));
    CHECK(has(sc, 6000, 20000));
    cpu_close(&third);
    cpu_close(&second);
    CHECK(has(sc, 6000, 20000));
    cpu_close(&first);
    open(&first, "100,budget=1000,period=50000,pool=a"); // nothing is left of that pool
    CHECK(has(give(&first, 0, 0), 1000, 50000));
    cpu_close(&first);
}

static void parts_never_vanish(void)
{
    struct cpu_request q = {.priority = 1};
    sel_t sc;
    open(&first, "100,budget=50,period=50000");
    sel_t one = give(&first, 0, 0), two = give(&first, 0, 0);
    CHECK(cpu_admit(first.user, 1, &q, &sc) == ERESOURCE);
    CHECK(has(one, 25, 50000) && has(two, 25, 50000));
    cpu_close(&first);
}

// Of all these.
static void nothing_is_left(void)
{
    CHECK(list_empty(&entries) && list_empty(&pools) && list_empty(&sessions));
}

int main(void)
{
    RUN(without_a_budget_all_is_as_asked_for);
    RUN(parts_are_equal_and_no_more_than_the_whole);
    RUN(what_fails_takes_no_part);
    RUN(the_end_of_a_session_leaves_its_parts);
    RUN(a_threads_own_limit_is_within_its_part);
    RUN(the_newest_session_says_what_the_pool_has);
    RUN(parts_never_vanish);
    RUN(nothing_is_left);
    return check_failures != 0;
}
