// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What a debugger asks of sigma0 (doc/debugging.md): the threads of a domain, also those that the
// domain made by itself, and its memory as its threads see it.
#include "lib/rt/selector.h"
#include "lib/rt/start.h"
#include "lib/rt/string.h"
#include "test/system/check.h"
#include "test/system/core/core.h"
#include "test/system/core/space.h"

#define HERE 0x10000000ul

static struct space s;

static void threads_of_a_domain_are_listed(void)
{
    enum { THREADS = 5 };
    struct thread_entry e;
    sel_t made[THREADS];
    u64 before = 0;
    CHECK(space_open(&s));
    CHECK_EQ(cpu_next_thread(&s.cpu, s.domain.domain, 0, &e), ENOTFOUND);
    for (unsigned i = 0; i < THREADS; i++)
        made[i] = space_thread(&s, i % hip()->cpu_count, PIECE_COUNT, SHARED + 8 * i);
    CHECK_EQ(cpu_thread_pause(&s.cpu, made[1]), SUCCESS);
    for (unsigned i = 0; i < THREADS; i++) {
        CHECK_EQ(cpu_next_thread(&s.cpu, s.domain.domain, before, &e), SUCCESS);
        CHECK(e.number > before);
        CHECK_EQ(e.cpu, i % hip()->cpu_count);
        CHECK_EQ(e.priority, 20);
        CHECK_EQ(e.state, i == 1 ? THREAD_PAUSED : THREAD_RUNNING);
        CHECK(!strcmp(e.name, "thread"));
        before = e.number;
        if (i == 2) { // what came names the thread
            CHECK(moves(&s.shared->counter[2]));
            CHECK_EQ(cpu_thread_pause(&s.cpu, e.thread), SUCCESS);
            CHECK(comes_to_rest(&s.shared->counter[2]));
        }
        selector_drop(e.thread);
    }
    CHECK_EQ(cpu_next_thread(&s.cpu, s.domain.domain, before, &e), ENOTFOUND);
    CHECK_EQ(cpu_next_thread(&s.cpu, s.domain.domain, ~0ul, &e), ENOTFOUND);
    CHECK_EQ(cpu_next_thread(&s.cpu, s.domain.space, 0, &e), ENOTFOUND);
    CHECK_EQ(cpu_next_thread(&s.cpu, s.domain.pd, 0, &e), ENOTFOUND); // the kernel's object is none
    // One that ended is not there any more, and its number is not used again.
    cpu_thread_kill(&s.cpu, made[THREADS - 1]);
    CHECK(space_thread(&s, 0, PIECE_COUNT, SHARED) != SEL_NONE);
    CHECK_EQ(cpu_next_thread(&s.cpu, s.domain.domain, before - 1, &e), SUCCESS);
    CHECK(e.number > before);
    selector_drop(e.thread);
    space_close(&s);
}

// A thread that the domain's PD holds and that gets its time by CREATE_SC, as lib/rt's do: it is in
// the list before its first instruction.
static void own_threads_belong_to_their_domain(void)
{
    struct thread_entry e;
    struct thread_exception x;
    u64 found;
    CHECK(space_open(&s));
    sel_t ec = selector_alloc(), sc;
    CHECK_EQ(hc_create_ec(ec, UTCBS, 0, 0, EC_GLOBAL, SEL_EXC_CPU, s.domain.pd), SUCCESS);
    CHECK_EQ(cpu_next_thread(&s.cpu, s.domain.domain, 0, &e), ENOTFOUND);
    CHECK_EQ(sc_create_in(&s.cpu, ec, 20, 0, 0, 0, "own", &sc), SUCCESS);
    CHECK_EQ(cpu_next_thread(&s.cpu, s.domain.domain, 0, &e), SUCCESS);
    CHECK(!strcmp(e.name, "own"));
    CHECK_EQ(e.priority, 20);
    CHECK_EQ(space_exception(&s, &x), SUCCESS); // it begins at address 0
    CHECK_EQ(x.vector, EXC_PAGE_FAULT);
    CHECK_EQ(x.ip, 0);
    CHECK(x.thread != SEL_NONE);
    enum thread_state what;
    struct exc_state state;
    CHECK_EQ(space_registers(&s, e.thread, &what, &state), SUCCESS);
    CHECK_EQ(what, THREAD_STOPPED);
    selector_drop(x.thread);
    selector_drop(e.thread);
    sc_destroy_in(&s.cpu, sc);
    CHECK_EQ(cpu_next_thread(&s.cpu, s.domain.domain, 0, &e), ENOTFOUND);
    // Which domain a thread is in is for the domain's maker to know, which is sigma0 in both cases.
    CHECK_EQ(hc_ec_pd(SEL_EC, &found), ECAP);
    CHECK_EQ(hc_ec_pd(ec, &found), ECAP);
    selector_drop(ec);
    space_close(&s);
}

static error_t look(word_t address, void *data, size_t bytes, size_t *done)
{
    *done = bytes;
    return domain_read(&s.pd, s.domain.domain, address, data, done);
}

static error_t put(word_t address, const void *data, size_t bytes, size_t *done)
{
    *done = bytes;
    return domain_write(&s.pd, s.domain.domain, address, data, done);
}

// A handler that its program shows is a thread of its domain like others: it is stopped in the
// middle of a request, shows its registers, is stepped, and its caller waits meanwhile.
static sel_t handler_portal;
static void call_handler(void *argument)
{
    word_t w[4] = {0};
    head_t h = head(0, 0);
    (void)argument;
    (void)!hc_call(handler_portal, &h, w);
}

static void handlers_belong_to_their_domain(void)
{
    struct thread_entry e;
    struct thread_exception x;
    struct exc_state state;
    enum thread_state what;
    struct thread caller;
    unsigned cpu = hip()->cpu_count - 1;
    CHECK(space_open(&s));
    sel_t ec = selector_alloc();
    handler_portal = selector_alloc();
    CHECK_EQ(hc_create_ec(ec, UTCBS, 0, cpu, 0, SEL_EXC_CPU + EXC_COUNT * cpu, s.domain.pd),
             SUCCESS);
    CHECK_EQ(hc_create_pt(handler_portal, ec, piece(PIECE_COUNT), 0, SEL_PD), SUCCESS);
    CHECK_EQ(hc_pt_ctrl(handler_portal, SHARED + 8), SUCCESS); // what the piece finds in rdi
    CHECK_EQ(cpu_next_thread(&s.cpu, s.domain.domain, 0, &e), ENOTFOUND);
    CHECK_EQ(env_handler(ec, "answers"), SUCCESS);
    CHECK_EQ(cpu_next_thread(&s.cpu, s.domain.domain, 0, &e), SUCCESS);
    CHECK(!strcmp(e.name, "answers") && e.cpu == cpu && !e.priority);
    // One that is stopped while it waits keeps who calls it waiting.
    CHECK_EQ(cpu_thread_pause(&s.cpu, e.thread), SUCCESS);
    CHECK_EQ(thread_create(&caller, cpu, 20, "caller", call_handler, NULL), SUCCESS);
    CHECK(stands_still(&s.shared->counter[1]));
    CHECK_EQ(cpu_thread_resume(&s.cpu, e.thread), SUCCESS);
    CHECK(moves(&s.shared->counter[1]));
    CHECK_EQ(cpu_thread_pause(&s.cpu, e.thread), SUCCESS);
    CHECK_EQ(space_registers(&s, e.thread, &what, &state), SUCCESS);
    CHECK(stands_still(&s.shared->counter[1]));
    CHECK_EQ(what, THREAD_PAUSED);
    CHECK_EQ(state.rdi, SHARED + 8);
    CHECK(state.rip - CODE < 16);
    CHECK_EQ(cpu_thread_step(&s.cpu, e.thread), SUCCESS);
    CHECK_EQ(space_exception(&s, &x), SUCCESS);
    CHECK_EQ(x.vector, 1);
    CHECK(x.thread != SEL_NONE);
    selector_drop(x.thread);
    CHECK_EQ(cpu_thread_resume(&s.cpu, e.thread), SUCCESS);
    CHECK(moves(&s.shared->counter[1]));
    hc_drop(ec);
    CHECK(comes_to_rest(&s.shared->counter[1]));
    CHECK_EQ(cpu_next_thread(&s.cpu, s.domain.domain, 0, &(struct thread_entry){0}), ENOTFOUND);
    thread_join(&caller);
    selector_drop(e.thread);
    selector_drop(handler_portal);
    selector_free(ec);
    space_close(&s);
}

static void memory_of_a_domain_is_read_and_written(void)
{
    static u8 data[3 * PAGE_SIZE];
    volatile u64 *first, *second;
    size_t done;
    CHECK(space_open(&s));
    sel_t a = space_memory(&s, PAGE_SIZE, &first), b = space_memory(&s, 2 * PAGE_SIZE, &second);
    CHECK_EQ(space_attach(&s, a, HERE, RM_WRITE), SUCCESS);
    CHECK_EQ(space_attach(&s, b, HERE + PAGE_SIZE, 0), SUCCESS);
    first[511] = 0x1111;
    second[0] = 0x2222;
    CHECK_EQ(look(HERE + PAGE_SIZE - 8, data, 16, &done), SUCCESS); // across regions
    CHECK_EQ(done, 16);
    CHECK(((u64 *)data)[0] == 0x1111 && ((u64 *)data)[1] == 0x2222);
    CHECK_EQ(look(HERE + 3, data, sizeof(data), &done), SUCCESS); // to where it ends
    CHECK_EQ(done, 3 * PAGE_SIZE - 3);
    CHECK_EQ(look(HERE + 3 * PAGE_SIZE, data, 1, &done), ENOTFOUND);
    CHECK_EQ(look(HERE - 1, data, 1, &done), ENOTFOUND);
    CHECK_EQ(look(~0ul, data, 8, &done), ENOTFOUND);
    CHECK_EQ(look(USER_END, data, 8, &done), ENOTFOUND);
    CHECK_EQ(look(HERE, data, 0, &done), SUCCESS);
    CHECK_EQ(done, 0);
    // Writing heeds the region's rights, and ends where they end.
    CHECK_EQ(put(HERE + PAGE_SIZE - 4, "12345678", 8, &done), SUCCESS);
    CHECK_EQ(done, 4);
    CHECK(!memcmp((const char *)first + PAGE_SIZE - 4, "1234", 4));
    CHECK_EQ(second[0], 0x2222);
    CHECK_EQ(put(HERE + PAGE_SIZE, "x", 1, &done), EPERM);
    CHECK_EQ(put(CODE, "x", 1, &done), EPERM);
    CHECK_EQ(look(CODE, data, 3, &done), SUCCESS);
    CHECK(data[0] == 0x48 && data[1] == 0xff && data[2] == 0x07); // incq (%rdi)
    // A thread sees what was put.
    u64 value = 77;
    CHECK_EQ(put(HERE + 128, &value, 8, &done), SUCCESS);
    CHECK(space_thread(&s, hip()->cpu_count - 1, PIECE_READ, HERE + 128) != SEL_NONE);
    CHECK(moves(&s.shared->counter[0]));
    CHECK_EQ(s.shared->value[0], 77);
    // By way of a map in the map, cut to the rights on the way.
    sel_t map, managed;
    CHECK_EQ(rm_create(&s.pd, 4 * PAGE_SIZE, &map, &managed), SUCCESS);
    struct rm_window w = {0, 0, PAGE_SIZE, RM_WRITE};
    CHECK_EQ(rm_attach(&s.pd, map, a, &w, NULL), SUCCESS);
    CHECK_EQ(space_attach(&s, managed, HERE + (1 << 20), RM_WRITE), SUCCESS);
    CHECK_EQ(space_attach(&s, managed, HERE + (2 << 20), 0), SUCCESS);
    CHECK_EQ(look(HERE + (1 << 20), data, 8, &done), ENOTFOUND); // a hole
    CHECK_EQ(look(HERE + (1 << 20) + PAGE_SIZE + 128, data, 8, &done), SUCCESS);
    CHECK_EQ(*(u64 *)data, 77);
    CHECK_EQ(put(HERE + (2 << 20) + PAGE_SIZE, "x", 1, &done), EPERM);
    CHECK_EQ(put(HERE + (1 << 20) + PAGE_SIZE, "x", 1, &done), SUCCESS);
    CHECK_EQ(*(volatile char *)first, 'x');
    // Only with the domain's capability: neither its map nor its PD says what is in it.
    done = 8;
    CHECK_EQ(domain_read(&s.pd, s.domain.space, HERE, data, &done), ENOTFOUND);
    CHECK_EQ(domain_write(&s.pd, s.domain.pd, HERE, data, &done), ENOTFOUND);
    selector_drop(a);
    selector_drop(b);
    space_close(&s);
}

void look_tests(void)
{
    RUN(threads_of_a_domain_are_listed);
    RUN(own_threads_belong_to_their_domain);
    RUN(handlers_belong_to_their_domain);
    RUN(memory_of_a_domain_is_read_and_written);
}
