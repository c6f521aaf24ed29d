// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Donations when all happens at once: several threads upgrade one session, its server dies, its
// client dies, it closes meanwhile; and requests to the parent at random from two CPUs. Whatever
// comes of them, all of it is there again afterwards.
#include "lib/rt/string.h"
#include "lib/service/env.h"
#include "test/system/check.h"
#include "test/system/compose/compose.h"
#include "test/system/wait.h"

enum {
    MANY = 100,
    PIECE = 4096,
    DEATHS = 5,
    CLOSES = 50,
    FUZZ_ROUNDS = 2000,
    FUZZERS = 2,
    THREADS = 4,
    FEE = 32
};

static struct service_client shared;
static volatile bool stop;
static volatile u32 upgraded, strange;
static volatile sel_t pseudonym = SEL_NONE;

static unsigned cpu_of(unsigned thread)
{
    return thread % hip()->cpu_count;
}

// What is ours, and what the server has with what is donated to it.
struct sums {
    u64 ram, caps, server_ram, server_caps, server_kmem;
};

static struct sums sums_now(struct service_client *control)
{
    struct sums s = {0};
    struct control_quota q;
    if (env_quota(&s.ram, &s.caps) || control_quota(control, "server", &q))
        return (struct sums){0};
    return (struct sums){s.ram, s.caps, q.ram.limit, q.caps.limit, q.kmem.limit};
}

// A server may owe something for a moment, until it has closed the session.
static bool sums_return(struct service_client *control, const struct sums *before)
{
    for (u64 end = deadline_in_us(WAIT_US); rdtsc() < end; pause_us(1000)) {
        struct service_client any; // an opening collects debts
        struct sums now = sums_now(control);
        bool ours = now.ram == before->ram && now.caps + FEE >= before->caps; // init keeps a few
        if (ours && now.server_ram == before->server_ram &&
            now.server_caps == before->server_caps && now.server_kmem == before->server_kmem)
            return true;
        if (!open(&any, "echo"))
            service_close(&any);
    }
    struct sums now = sums_now(control);
    print("ram %lu caps %lu, server %lu %lu %lu; before %lu %lu, %lu %lu %lu\n", now.ram, now.caps,
          now.server_ram, now.server_caps, now.server_kmem, before->ram, before->caps,
          before->server_ram, before->server_caps, before->server_kmem);
    return false;
}

static void wait_for_stop(void *argument)
{
    (void)argument;
    while (!stop)
        pause_us(1000);
}

// As many threads at once as any test has, so that their memory is ours already.
static void warm_up(void)
{
    struct thread t[THREADS];
    unsigned made = 0;
    stop = false;
    while (made < THREADS &&
           !thread_create(&t[made], cpu_of(made), 30, "warm", wait_for_stop, NULL))
        made++;
    stop = true;
    while (made)
        thread_join(&t[--made]);
}

// So that all that is made once is made.
static struct sums begin(struct service_client *control)
{
    warm_up();
    if (open(control, "init") || open(&shared, "echo"))
        return (struct sums){0};
    service_close(&shared);
    return sums_now(control);
}

static void upgrade_often(void *argument)
{
    (void)argument;
    for (unsigned i = 0; i < MANY && !stop; i++) {
        error_t error = service_upgrade(&shared, (struct service_quota){PIECE, 1});
        if (!error)
            __atomic_fetch_add(&upgraded, 1, __ATOMIC_RELAXED);
        else if (error != ERESOURCE && error != EABORT && error != ENOTFOUND)
            strange++;
    }
}

// Whether all of them have begun.
static bool run_upgraders(struct thread *t, unsigned count)
{
    unsigned made = 0;
    stop = false;
    upgraded = strange = 0;
    while (made < count &&
           !thread_create(&t[made], cpu_of(made), 30, "upgrader", upgrade_often, NULL))
        made++;
    if (made == count)
        return true;
    stop = true;
    while (made)
        thread_join(&t[--made]);
    return false;
}

// Whether nothing strange has happened to them.
static bool join(struct thread *t, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        thread_join(&t[i]);
    return !strange;
}

static void upgrades_of_several_threads_add_up(void)
{
    struct service_client control;
    struct thread t[THREADS];
    struct info first, last;
    struct sums before = begin(&control);
    CHECK_EQ(open(&shared, "echo"), SUCCESS);
    CHECK_EQ(info(&shared, &first), SUCCESS);
    CHECK(run_upgraders(t, THREADS));
    CHECK(join(t, THREADS));
    CHECK_EQ(upgraded, THREADS * MANY);
    CHECK_EQ(info(&shared, &last), SUCCESS);
    CHECK_EQ(last.ram, first.ram + (u64)THREADS * MANY * PIECE);
    CHECK_EQ(last.caps, first.caps + THREADS * MANY);
    service_close(&shared);
    CHECK(sums_return(&control, &before));
    service_close(&control);
}

static void upgrades_of_a_dying_server_return(void)
{
    struct service_client control;
    struct control_child server;
    struct thread t[FUZZERS];
    struct sums before = begin(&control);
    for (unsigned i = 0; i < DEATHS; i++) {
        CHECK_EQ(open(&shared, "echo"), SUCCESS);
        CHECK_EQ(control_find(&control, "server", &server), SUCCESS);
        CHECK(run_upgraders(t, FUZZERS));
        error_t error = kill_and_start(&control, "server");
        bool back = reaches(&control, "server", CHILD_RUNNING, server.restarts + 1);
        CHECK(join(t, FUZZERS));
        CHECK_EQ(error, SUCCESS);
        CHECK(back);
        service_close(&shared);
    }
    CHECK(sums_return(&control, &before));
    service_close(&control);
}

// UPGRADE of whatever stands at the selector, past the library.
static error_t upgrade_raw(sel_t sel, u64 ram, u64 caps)
{
    struct msg m;
    parent_begin(&m, PARENT_UPGRADE);
    msg_put_word(&m, ram);
    msg_put_word(&m, caps);
    msg_put_word(&m, ram);
    msg_put_word(&m, caps);
    msg_put_item(&m, item_translate(crd(CRD_OBJ, sel, 0, RIGHT_ALL)));
    return parent_call(&m);
}

static void upgrade_what_closes(void *argument)
{
    (void)argument;
    while (!stop) {
        sel_t sel = pseudonym;
        error_t error = sel == SEL_NONE ? ENOTFOUND : upgrade_raw(sel, 64, 1);
        if (error && error != ENOTFOUND && error != ERESOURCE)
            strange++;
        if (error)
            pause_us(100);
    }
}

static void upgrades_of_closing_sessions_return(void)
{
    struct service_client control;
    struct thread t;
    struct sums before = begin(&control);
    stop = false;
    strange = 0;
    CHECK_EQ(thread_create(&t, cpu_of(1), 30, "upgrader", upgrade_what_closes, NULL), SUCCESS);
    for (unsigned i = 0; i < CLOSES; i++) {
        CHECK_EQ(open(&shared, i % 2 ? "echo" : "count"), SUCCESS);
        pseudonym = shared.base + CLIENT_PSEUDONYM;
        pause_us(500);
        service_close(&shared);
    }
    stop = true;
    CHECK(join(&t, 1));
    CHECK(sums_return(&control, &before));
    service_close(&control);
}

// The child "upgrader" does nothing but upgrade: it is killed in the midst of that.
static void upgrades_of_a_dying_client_return(void)
{
    struct service_client control;
    struct control_quota q;
    struct sums before = begin(&control);
    for (unsigned i = 0; i < DEATHS; i++) {
        CHECK_EQ(control_start(&control, "upgrader"), SUCCESS);
        CHECK(reaches(&control, "upgrader", CHILD_RUNNING, 0));
        for (u64 end = deadline_in_us(WAIT_US); rdtsc() < end; pause_us(500)) {
            if (!control_quota(&control, "upgrader", &q) && q.ram.used > 10 * PIECE + 200 * 1024)
                break; // it has begun
        }
        CHECK_EQ(control_kill(&control, "upgrader"), SUCCESS);
        CHECK(reaches(&control, "upgrader", CHILD_STOPPED, 0));
        CHECK_EQ(control_quota(&control, "upgrader", &q), SUCCESS);
        CHECK(!q.ram.used && q.caps.most <= q.caps.own);
    }
    CHECK(sums_return(&control, &before));
    service_close(&control);
}

// A million with `make soak`: nothing is lost on the way.
static void many_upgrades_leave_nothing(void)
{
    struct service_client control;
    struct sums before = begin(&control);
    for (u64 i = 0, rounds = rounds_of(FUZZ_ROUNDS); i < rounds; i++) {
        if (i % MANY == 0 && i) {
            service_close(&shared);
            CHECK(sums_return(&control, &before));
        }
        if (i % MANY == 0)
            CHECK_EQ(open(&shared, "echo"), SUCCESS);
        CHECK_EQ(service_upgrade(&shared, (struct service_quota){PIECE, i % 3}), SUCCESS);
    }
    service_close(&shared);
    CHECK(sums_return(&control, &before));
    service_close(&control);
}

// Requests to the parent that look right, of one thread with a few pseudonyms of its own.
enum { PLACES = 8 };
struct fuzzer {
    u64 random;
    sel_t place;          // + 0 to PLACES - 1
    word_t named[PLACES]; // the pseudonyms' selectors at the parent, 0: none
};

static u64 draw(struct fuzzer *f, u64 below)
{
    f->random = f->random * 6364136223846793005ul + 1442695040888963407ul;
    return (f->random >> 33) % below;
}

// Mostly what there is, seldom what there is not, nor could be.
static u64 draw_amount(struct fuzzer *f, u64 most)
{
    static const u64 absurd[] = {~0ul, 1ul << 63, ~0ul - 4095, 1ul << 40};
    return draw(f, 64) ? draw(f, most) : absurd[draw(f, ARRAY_SIZE(absurd))];
}

static error_t fuzz_open(struct fuzzer *f, unsigned place)
{
    static const char *const names[] = {"echo", "count", "pd", "log"};
    struct msg m;
    hc_drop(f->place + place);
    parent_begin(&m, PARENT_OPEN);
    msg_put_word(&m, draw_amount(f, 8192));
    msg_put_word(&m, draw_amount(f, 8));
    msg_put_string(&m, names[draw(f, ARRAY_SIZE(names))]);
    msg_put_string(&m, draw(f, 4) ? "" : "prefix");
    msg_put_string(&m, "");
    utcb()->window = crd(CRD_OBJ, f->place + place, 0, RIGHT_ALL);
    error_t error = parent_call(&m);
    utcb()->window = 0;
    (void)msg_get_word(&m);
    if (!error)
        f->named[place] = msg_get_word(&m);
    return error;
}

static error_t fuzz_close(struct fuzzer *f, unsigned place)
{
    struct msg m;
    bool by_number = draw(f, 2);
    parent_begin(&m, PARENT_CLOSE);
    msg_put_word(&m, f->named[place]);
    if (!by_number)
        msg_put_item(&m, item_translate(crd(CRD_OBJ, f->place + place, 0, RIGHT_ALL)));
    error_t error = parent_call(&m);
    if (!error)
        f->named[place] = 0;
    return error;
}

// One of the other operations, with words at random and the item of a place.
static error_t fuzz_other(struct fuzzer *f, unsigned place)
{
    static const word_t operations[] = {PARENT_GET_PORTAL,
                                        PARENT_REGISTER,
                                        PARENT_UNREGISTER,
                                        PARENT_GET_QUOTA,
                                        PARENT_SINGLETON,
                                        PARENT_REQ_KILL,
                                        PARENT_SIGNAL,
                                        PARENT_UPGRADE,
                                        11,
                                        ~0ul};
    word_t operation = operations[draw(f, ARRAY_SIZE(operations))];
    struct msg m;
    msg_begin(&m);
    msg_put_word(&m, operation);
    msg_put_word(&m, draw(f, 3));
    if (operation == PARENT_SIGNAL)
        msg_put_word(&m, draw(f, 2) ? SIGNAL_HEARTBEAT : SIGNAL_RESOURCE);
    for (u64 words = draw(f, 5); words; words--)
        msg_put_word(&m, draw_amount(f, 6));
    if (draw(f, 8))
        msg_put_item(&m, item_translate(crd(CRD_OBJ, f->place + place, 0, RIGHT_ALL)));
    if (!draw(f, 8))
        msg_put_item(&m, item_delegate(crd(CRD_OBJ, f->place + place, 0, RIGHT_ALL), 0, 0));
    utcb()->window = 0;
    return parent_call(&m);
}

static void fuzz(void *argument)
{
    struct fuzzer *f = argument;
    for (unsigned i = 0; i < FUZZ_ROUNDS; i++) {
        unsigned place = (unsigned)draw(f, PLACES);
        u64 kind = draw(f, 8);
        if (!f->named[place] && kind < 4)
            (void)!fuzz_open(f, place);
        else if (kind == 4)
            (void)!fuzz_close(f, place);
        else if (kind == 5)
            (void)!upgrade_raw(f->place + place, draw_amount(f, 4096), draw_amount(f, 4));
        else
            (void)!fuzz_other(f, place);
    }
    for (unsigned place = 0; place < PLACES; place++) {
        while (f->named[place] && !fuzz_close(f, place))
            ;
        strange += f->named[place] && fuzz_close(f, place);
        hc_drop(f->place + place);
    }
}

static void requests_at_random_add_up(void)
{
    static struct fuzzer fuzzers[FUZZERS];
    struct service_client control;
    struct thread t[FUZZERS];
    struct sums before = begin(&control);
    strange = 0;
    for (unsigned i = 0; i < FUZZERS; i++) {
        fuzzers[i] = (struct fuzzer){.random = i + 1, .place = selector_alloc_range(3)};
        CHECK(fuzzers[i].place != SEL_NONE);
        CHECK_EQ(thread_create(&t[i], cpu_of(i), 30, "fuzzer", fuzz, &fuzzers[i]), SUCCESS);
    }
    CHECK(join(t, FUZZERS));
    for (unsigned i = 0; i < FUZZERS; i++)
        selector_free_range(fuzzers[i].place, 3);
    CHECK(sums_return(&control, &before));
    service_close(&control);
}

void upgrades_tests(void)
{
    RUN(upgrades_of_several_threads_add_up);
    RUN(upgrades_of_a_dying_server_return);
    RUN(upgrades_of_closing_sessions_return);
    RUN(upgrades_of_a_dying_client_return);
    RUN(many_upgrades_leave_nothing);
    RUN(requests_at_random_add_up);
}
