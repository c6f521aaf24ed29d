// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// lib/rt on the real kernel: portals, messages, threads on every CPU, locks, heap, time. Then, on
// one CPU under icount, what the short paths cost in instructions.
#include "lib/rt/assert.h"
#include "lib/rt/heap.h"
#include "lib/rt/print.h"
#include "lib/rt/selector.h"
#include "lib/rt/string.h"
#include "lib/rt/sync.h"
#include "lib/rt/thread.h"
#include "lib/rt/tsc.h"
#include "test/system/rt/root.h"

enum { PRIORITY = 200, ROUNDS = 2000, LIVES = 50, WAIT_US = 20000000 };

static bool failed;
static unsigned passed_count, failed_count;

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            print("  %s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                        \
            failed = true;                                                                         \
            return;                                                                                \
        }                                                                                          \
    } while (0)

static void run(const char *name, void (*test)(void))
{
    failed = false;
    test();
    print("test: %s %s\n", failed ? "FAIL" : "PASS", name);
    *(failed ? &failed_count : &passed_count) += 1;
}
#define RUN(test) run(#test, test)

NORETURN static void null_handler(word_t identity, head_t h, word_t w0, word_t w1, word_t w2,
                                  word_t w3)
{
    (void)identity, (void)h, (void)w0, (void)w1, (void)w2, (void)w3;
    hc_reply0();
}
PORTAL_RAW(null_entry, null_handler);

NORETURN static void raw_handler(word_t identity, head_t h, word_t w0, word_t w1, word_t w2,
                                 word_t w3)
{
    hc_reply(h, w0 + identity, w1 + 1, w2 + 2, w3 + 3);
}
PORTAL_RAW(raw_entry, raw_handler);

// Replies with the identity, the sum of the words before the string, and the string twice.
static void message_handler(word_t identity, struct msg *m)
{
    char text[32], twice[64];
    word_t sum = msg_get_word(m);
    sum += msg_get_word(m);
    msg_get_string(m, text, sizeof(text));
    error_t error = msg_error(m);
    text_format(twice, sizeof(twice), "%s%s", text, text);
    msg_begin(m);
    msg_put_word(m, error);
    msg_put_word(m, identity);
    msg_put_word(m, sum);
    msg_put_string(m, twice);
}
PORTAL_MESSAGE(message_entry, message_handler);

static void main_thread_knows_its_place(void)
{
    CHECK(thread_cpu() == 0 && thread_words()->ec == SEL_EC && utcb() == (struct utcb *)UTCB_ADDR);
    CHECK(hip()->magic == HIP_MAGIC);
}

static void raw_portal_answers_in_registers(void)
{
    struct thread handler;
    sel_t portal;
    CHECK(!thread_create_handler(&handler, 0, PAGE_SIZE));
    CHECK(!portal_create(&handler, raw_entry, 0, 100, &portal));
    for (word_t i = 0; i < 100; i++) {
        head_t h = head(4, 0);
        word_t w[4] = {i, i, i, i};
        CHECK(!hc_call(portal, &h, w));
        CHECK(h == head(4, 0) && w[0] == i + 100 && w[1] == i + 1 && w[2] == i + 2 &&
              w[3] == i + 3);
    }
    thread_destroy(&handler);
    CHECK(hc_call0(portal) == EABORT);
    portal_destroy(portal);
    CHECK(hc_call0(portal) == ECAP);
}

static void message_portal_reads_and_writes(void)
{
    struct thread handler;
    struct msg m;
    sel_t portal;
    char text[64];
    CHECK(!thread_create_handler(&handler, 0, 0));
    CHECK(!portal_create(&handler, message_entry, 0, 77, &portal));
    for (unsigned i = 0; i < 3; i++) {
        msg_begin(&m);
        msg_put_word(&m, 30);
        msg_put_word(&m, 12);
        msg_put_string(&m, "a tessera in a mosaic");
        CHECK(!msg_call(&m, portal));
        CHECK(msg_get_word(&m) == SUCCESS && msg_get_word(&m) == 77 && msg_get_word(&m) == 42);
        msg_get_string(&m, text, sizeof(text));
        CHECK(!msg_error(&m) && !strcmp(text, "a tessera in a mosaica tessera in a mosaic"));
    }
    msg_begin(&m);
    CHECK(!msg_call(&m, portal) && msg_get_word(&m) == EPROTO);
    thread_destroy(&handler);
    portal_destroy(portal);
}

static struct mutex mutex = MUTEX_INIT;
static struct semaphore semaphore = SEMAPHORE_INIT(0);
static u64 shared;
static u64 cpu_seen[MAX_CPUS];

static void lock_rounds(void *argument)
{
    cpu_seen[thread_cpu()] = (word_t)argument;
    for (unsigned i = 0; i < ROUNDS; i++) {
        mutex_lock(&mutex);
        u64 before = shared;
        for (unsigned wait = i % 8; wait; wait--)
            __builtin_ia32_pause();
        shared = before + 1;
        mutex_unlock(&mutex);
    }
}

static void threads_of_all_cpus_share_a_mutex(void)
{
    static struct thread threads[2 * MAX_CPUS];
    unsigned count = 2 * hip()->cpu_count;
    shared = 0;
    for (unsigned i = 0; i < count; i++)
        CHECK(!thread_create(&threads[i], i / 2, PRIORITY, "locker", lock_rounds,
                             (void *)(word_t)(i / 2 + 1)));
    for (unsigned i = 0; i < count; i++)
        thread_join(&threads[i]);
    CHECK(shared == count * ROUNDS && mutex.semaphore.count == 1);
    for (unsigned cpu = 0; cpu < hip()->cpu_count; cpu++)
        CHECK(cpu_seen[cpu] == cpu + 1);
}

static void give(void *argument)
{
    for (word_t i = 0; i < (word_t)argument; i++)
        semaphore_up(&semaphore);
}

static void semaphore_passes_every_up(void)
{
    struct thread thread;
    CHECK(!thread_create(&thread, hip()->cpu_count - 1, PRIORITY, "giver", give,
                         (void *)(word_t)ROUNDS));
    for (unsigned i = 0; i < ROUNDS; i++)
        CHECK(!semaphore_down(&semaphore, DEADLINE_NEVER));
    thread_join(&thread);
    CHECK(!semaphore_try(&semaphore) && semaphore.count == 0);
}

static void deadlines_pass_in_time(void)
{
    u64 begin = rdtsc(), deadline = begin + tsc_from_us(3000);
    CHECK(semaphore_down(&semaphore, deadline) == ETIMEOUT);
    CHECK(rdtsc() >= deadline && semaphore.count == 0);
    CHECK(tsc_to_us(tsc_from_us(123456789)) - 123456788 <= 1);
}

static void churn(void *argument)
{
    static u8 *objects[4 * MAX_CPUS][40];
    u8 **mine = objects[(word_t)argument];
    u64 r = (word_t)argument + 1;
    for (unsigned i = 0; i < 4000; i++) {
        r = r * 6364136223846793005 + 1442695040888963407;
        u8 **o = &mine[(r >> 33) % 40];
        if (*o) {
            ASSERT((*o)[0] == (u8)(word_t)argument);
            heap_free(*o);
            *o = NULL;
        } else if ((*o = heap_alloc(1 + (r >> 40) % 3000))) {
            (*o)[0] = (u8)(word_t)argument;
        }
    }
    for (unsigned i = 0; i < 40; i++) {
        heap_free(mine[i]);
        mine[i] = NULL;
    }
}

static void threads_share_the_heap(void)
{
    static struct thread threads[2 * MAX_CPUS];
    size_t before = heap_usage().used;
    for (unsigned i = 0; i < 2 * hip()->cpu_count; i++)
        CHECK(!thread_create(&threads[i], i / 2, PRIORITY, "churn", churn, (void *)(word_t)i));
    for (unsigned i = 0; i < 2 * hip()->cpu_count; i++)
        thread_join(&threads[i]);
    CHECK(heap_usage().used - before < 4096); // nodes of the address allocator
}

static void nothing(void *argument)
{
    (void)argument;
}

static void spin(void *argument)
{
    for (;;)
        __atomic_fetch_add((u64 *)argument, 1, __ATOMIC_RELAXED);
}

static void short_lives(void)
{
    struct thread thread;
    for (unsigned i = 0; i < LIVES; i++) {
        CHECK(!thread_create(&thread, i % hip()->cpu_count, PRIORITY, "short", nothing, NULL));
        thread_join(&thread);
        CHECK(!thread_create_handler(&thread, i % hip()->cpu_count, 0));
        thread_destroy(&thread);
    }
}

static void threads_leave_nothing_behind(void)
{
    short_lives(); // start-up handlers and list nodes come into being
    u64 kmem = root_kmem(), pages = root_pages();
    short_lives();
    CHECK(root_pages() == pages);
    // Another CPU may hold what was freed for a while.
    for (u64 end = deadline_in_us(WAIT_US); root_kmem() > kmem && rdtsc() < end;)
        ;
    CHECK(root_kmem() <= kmem);
}

static void running_threads_can_be_destroyed(void)
{
    struct thread thread;
    static volatile u64 turns;
    u64 before = 0;
    for (unsigned i = 0; i < LIVES; i++) {
        CHECK(!thread_create(&thread, hip()->cpu_count - 1, PRIORITY - 100, "spinner", spin,
                             (void *)&turns));
        for (u64 end = deadline_in_us(WAIT_US); turns == before && rdtsc() < end;)
            CHECK(semaphore_down(&semaphore, deadline_in_us(100)) == ETIMEOUT);
        thread_destroy(&thread);
        CHECK(turns != before);
        before = turns;
    }
    CHECK(semaphore_down(&semaphore, deadline_in_us(1000)) == ETIMEOUT);
    CHECK(turns == before);
}

static void wrong_arguments_are_refused(void)
{
    struct thread thread;
    CHECK(thread_create_handler(&thread, hip()->cpu_count, 0) == ECPU);
    CHECK(thread_create_handler(&thread, MAX_CPUS, 0) == ECPU);
    CHECK(thread_create_handler(&thread, 0, STACK_SIZE + 1) == EPARAM);
    CHECK(thread_create(&thread, MAX_CPUS + 5, PRIORITY, "nobody", nothing, NULL) == ECPU);
}

// The least of some tries: what interrupts cost is not ours.
#define COST(name, code)                                                                           \
    do {                                                                                           \
        u64 least = ~0ul;                                                                          \
        for (unsigned try = 0; try < 20; try++) {                                                  \
            u64 begin = rdtsc();                                                                   \
            code;                                                                                  \
            u64 took = rdtsc() - begin;                                                            \
            least = took < least ? took : least;                                                   \
        }                                                                                          \
        print("cost: %-24s %lu\n", name, least);                                                   \
    } while (0)

static void costs(void)
{
    struct thread handler;
    struct msg m;
    sel_t raw, message, sel = selector_alloc();
    static char from[4096], to[4096];
    CHECK(!thread_create_handler(&handler, 0, 0));
    CHECK(!portal_create(&handler, null_entry, 0, 0, &raw));
    CHECK(!portal_create(&handler, message_entry, 0, 0, &message));
    COST("nothing", (void)0);
    COST("null hypercall", hc_ec_ctrl(SEL_NONE, EC_RESUME));
    COST("call, no words", CHECK(!hc_call0(raw)));
    COST("mutex lock, unlock", (mutex_lock(&mutex), mutex_unlock(&mutex)));
    COST("heap alloc, free 64", heap_free(heap_alloc(64)));
    COST("heap alloc, free 5000", heap_free(heap_alloc(5000)));
    COST("selector alloc, free", selector_free(selector_alloc()));
    COST("memcpy 64", memcpy(to, from, 64));
    COST("memcpy 4096", memcpy(to, from, 4096));
    COST("memset 4096", memset(to, 1, 4096));
    COST("sm create, drop", ({
             CHECK(!hc_create_sm(sel, 0, SEL_PD));
             hc_drop(sel);
         }));
    COST("message call", ({
             msg_begin(&m);
             msg_put_word(&m, 1);
             msg_put_word(&m, 2);
             msg_put_string(&m, "hello");
             CHECK(!msg_call(&m, message));
         }));
    thread_destroy(&handler);
    portal_destroy(raw);
    portal_destroy(message);
}

int main(void)
{
    RUN(main_thread_knows_its_place);
    RUN(raw_portal_answers_in_registers);
    RUN(message_portal_reads_and_writes);
    RUN(threads_of_all_cpus_share_a_mutex);
    RUN(semaphore_passes_every_up);
    RUN(deadlines_pass_in_time);
    RUN(threads_share_the_heap);
    RUN(threads_leave_nothing_behind);
    RUN(running_threads_can_be_destroyed);
    RUN(wrong_arguments_are_refused);
    if (hip()->cpu_count == 1)
        costs();
    print("test: DONE %u passed, %u failed\n", passed_count, failed_count);
    return failed_count != 0;
}
