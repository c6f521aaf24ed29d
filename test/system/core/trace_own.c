// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// sigma0's own threads under tracing (doc/trace.md): who sees them, what they show, and that sigma0
// serves as ever while it is traced, also in what ends the tracing.
#include "lib/core/dataspace.h"
#include "lib/rt/selector.h"
#include "lib/rt/start.h"
#include "lib/rt/string.h"
#include "lib/rt/thread.h"
#include "lib/rt/tsc.h"
#include "lib/service/env.h"
#include "test/system/check.h"
#include "test/system/core/load.h"
#include "test/system/core/trace.h"

enum { MEBI = 1 << 20, OWN_MAX = 512, RING = 4096 };

static struct trace_wish wish(u32 word)
{
    return (struct trace_wish){word, 0};
}

static u64 own_id(struct service_client *trace, const char *service, unsigned cpu)
{
    char name[32];
    text_format(name, sizeof(name), "%s %u", service, cpu);
    struct search s = look(trace, "sigma0", name);
    return s.count == 1 ? s.found.id : 0;
}

static void only_who_sees_all_sees_sigma0(void)
{
    static const char *const services[] = {"log",   "rom",    "pd",      "cpu",
                                           "rm",    "irq",    "io_port", "io_mem",
                                           "trace", "parent", "echo",    "faults"};
    static const char *const labels[] = {"sigma0", "x", "init", "sigma0 -> pd"};
    struct service_client all, part;
    struct trace_buffer b;
    struct trace_subject s;
    CHECK_EQ(trace_init(&all, 1), SUCCESS);
    CHECK_EQ(trace_buffer_create(&b, 16), SUCCESS);
    for (unsigned cpu = 0; cpu < hip()->cpu_count; cpu++) {
        for (unsigned i = 0; i < ARRAY_SIZE(services); i++) {
            u64 id = own_id(&all, services[i], cpu);
            CHECK(id);
            CHECK_EQ(trace_info(&all, id, &s), SUCCESS);
            CHECK_EQ(s.cpu, cpu);
        }
    }
    CHECK_EQ(look(&all, "sigma0", "main").count, 1);
    CHECK_EQ(look(&all, "init", "main").count, 1);
    CHECK(look(&all, "init", "main").found.ticks > 0);
    u64 id = own_id(&all, "pd", 0);
    for (unsigned i = 0; i < ARRAY_SIZE(labels); i++) {
        CHECK_EQ(service_init(&part, "trace", labels[i], "", (struct service_quota){4096, 8}),
                 SUCCESS);
        CHECK_EQ(look(&part, "sigma0", "pd 0").count, 0);
        CHECK_EQ(look(&part, "init", "main").count, 0);
        CHECK_EQ(trace_info(&part, id, &s), ENOTFOUND);
        CHECK_EQ(trace_enable_buffer(&part, id, &b, wish(TRACE_ALL)), ENOTFOUND);
        service_close(&part);
    }
    trace_buffer_destroy(&b);
    service_close(&all);
}

// What a request is, how it ended and how long it took stand in the records of the handler.
static void requests_to_sigma0_are_recorded(void)
{
    static const word_t operations[] = {PD_SERVICE_ALLOC, PD_SERVICE_PHYS, PD_SERVICE_FREE,
                                        PD_SERVICE_PHYS};
    struct service_client all, pd;
    struct trace_buffer b;
    struct trace_record r[8];
    u64 physical, bytes;
    sel_t ds;
    CHECK_EQ(trace_init(&all, 1), SUCCESS);
    CHECK_EQ(open_args(&pd, "pd", "", MEBI), SUCCESS);
    CHECK_EQ(trace_buffer_create(&b, 64), SUCCESS);
    u64 id = own_id(&all, "pd", thread_cpu());
    CHECK_EQ(trace_enable_buffer(&all, id, &b, wish(TRACE_MASK(DISPATCH) | TRACE_MASK(REPLY))),
             SUCCESS);
    u64 asked[5] = {rdtsc()}; // between each two requests
    CHECK_EQ(ds_alloc(&pd, PAGE_SIZE, &ds), SUCCESS);
    asked[1] = rdtsc();
    CHECK_EQ(ds_phys(&pd, ds, &physical, &bytes), SUCCESS);
    asked[2] = rdtsc();
    ds_free(&pd, ds);
    asked[3] = rdtsc();
    CHECK_EQ(ds_phys(&pd, SEL_IDENTITY, &physical, &bytes), ENOTFOUND);
    asked[4] = rdtsc();
    CHECK_EQ(trace_disable(&all, id), SUCCESS);
    CHECK_EQ(trace_read(&b.reader, r, 8), 8);
    for (unsigned i = 0; i < 4; i++) {
        const struct trace_record *begin = &r[2 * i], *end = begin + 1;
        CHECK(begin->event == TRACE_DISPATCH && end->event == TRACE_REPLY);
        CHECK_EQ(begin->second, operations[i]);
        CHECK_EQ(end->first, i == 3 ? ENOTFOUND : SUCCESS);
        CHECK(asked[i] < begin->tsc && begin->tsc < end->tsc && end->tsc < asked[i + 1]);
        CHECK_EQ(begin->cpu, thread_cpu());
    }
    trace_buffer_destroy(&b);
    service_close(&pd);
    service_close(&all);
}

// The handler that starts, changes and stops tracing is traced itself; so is the one that frees the
// ring, and the one that closes the session.
static void sigma0_traces_itself(void)
{
    struct service_client all;
    struct trace_buffer b;
    struct trace_record r[4];
    struct trace_subject s;
    unsigned cpu = thread_cpu();
    CHECK_EQ(trace_init(&all, 4), SUCCESS);
    CHECK_EQ(trace_buffer_create(&b, 64), SUCCESS);
    u64 mine = own_id(&all, "trace", cpu), pd = own_id(&all, "pd", cpu);
    CHECK_EQ(trace_enable_buffer(&all, mine, &b, wish(TRACE_MASK(DISPATCH))), SUCCESS);
    CHECK_EQ(trace_info(&all, mine, &s), SUCCESS);
    CHECK_EQ(s.status, TRACE_STATUS_MINE);
    CHECK_EQ(trace_pause(&all, mine), SUCCESS);
    CHECK_EQ(trace_resume(&all, mine), SUCCESS);
    CHECK_EQ(trace_disable(&all, mine), SUCCESS);
    u64 written = b.reader.ring->written;
    CHECK_EQ(trace_info(&all, mine, &s), SUCCESS);
    CHECK_EQ(b.reader.ring->written, written);
    CHECK_EQ(trace_read(&b.reader, r, 4), 3); // not RESUME, which came while it was paused
    CHECK_EQ(r[0].second, TRACE_SERVICE_INFO);
    CHECK_EQ(r[1].second, TRACE_SERVICE_PAUSE);
    CHECK_EQ(r[2].second, TRACE_SERVICE_DISABLE);
    trace_buffer_destroy(&b);
    for (unsigned i = 0; i < 20; i++) {
        CHECK_EQ(trace_buffer_create(&b, 100), SUCCESS);
        CHECK_EQ(trace_enable_buffer(&all, pd, &b, wish(TRACE_ALL)), SUCCESS);
        trace_buffer_destroy(&b); // by that handler
        CHECK_EQ(trace_info(&all, pd, &s), SUCCESS);
        CHECK_EQ(s.status, TRACE_STATUS_OFF);
        CHECK_EQ(trace_buffer_create(&b, 100), SUCCESS); // the same pages
        const u64 *word = (const u64 *)b.reader.ring;
        for (unsigned k = 0; k < b.bytes / sizeof(*word); k++)
            CHECK_EQ(word[k], 0);
        CHECK_EQ(trace_enable_buffer(&all, mine, &b, wish(TRACE_ALL)), SUCCESS);
        service_close(&all); // by the handler `mine`
        written = b.reader.ring->written;
        CHECK_EQ(trace_init(&all, 4), SUCCESS);
        CHECK_EQ(trace_info(&all, mine, &s), SUCCESS);
        CHECK_EQ(s.status, TRACE_STATUS_OFF);
        CHECK_EQ(b.reader.ring->written, written);
        trace_buffer_destroy(&b);
    }
    service_close(&all);
}

struct list_of_own {
    u64 id[OWN_MAX];
    unsigned count;
};

static bool note(const struct trace_subject *s, void *context)
{
    struct list_of_own *own = context;
    if (!strcmp(s->label, "sigma0") && own->count < OWN_MAX)
        own->id[own->count++] = s->id;
    return true;
}

static void load_runs(void *argument)
{
    for (unsigned i = 0; i < 300 && load_cycle(argument); i++)
        ;
}

// Our account, and what our own session has been given of it: that grows when the heap does.
static u64 ram_of_all(void)
{
    u64 ram = 0, caps, used, limit = 0, high;
    return env_quota(&ram, &caps) || memory_info(&used, &limit, &high) ? 0 : ram + limit;
}

// All of sigma0 is traced, into rings that are full or go, while clients of all CPUs are served.
static void sigma0_serves_while_it_is_traced(void)
{
    static struct load loads[MAX_CPUS];
    static struct list_of_own own;
    struct thread t[MAX_CPUS];
    struct service_client all;
    u64 before = ram_of_all(), written = 0;
    own.count = 0;
    CHECK_EQ(trace_init(&all, OWN_MAX), SUCCESS);
    CHECK_EQ(trace_visit(&all, note, &own), SUCCESS);
    CHECK(own.count > 10 * hip()->cpu_count);
    for (unsigned cpu = 0; cpu < hip()->cpu_count; cpu++) {
        CHECK_EQ(load_open(&loads[cpu]), SUCCESS);
        CHECK_EQ(thread_create(&t[cpu], cpu, 20, "load", load_runs, &loads[cpu]), SUCCESS);
    }
    for (unsigned round = 0; round < 6; round++) {
        struct trace_buffer b;
        CHECK_EQ(trace_buffer_create(&b, own.count * RING / sizeof(struct trace_record)), SUCCESS);
        for (unsigned i = 0; i < own.count; i++)
            CHECK_EQ(trace_enable(&all, own.id[i], b.ds, (u64)i * RING, RING,
                                  wish(TRACE_ALL | (round % 2 ? TRACE_STOP : 0))),
                     SUCCESS);
        for (unsigned i = 0; i < 20; i++)
            CHECK_EQ(try_args("log", ""), SUCCESS);
        for (unsigned i = 0; i < own.count && round % 3; i++)
            CHECK_EQ(trace_disable(&all, own.id[i]), SUCCESS);
        for (unsigned i = 0; i < own.count; i++)
            written += ((struct trace_ring *)((char *)b.reader.ring + i * RING))->written;
        trace_buffer_destroy(&b); // every third time with all of them still on
    }
    for (unsigned cpu = 0; cpu < hip()->cpu_count; cpu++) {
        thread_join(&t[cpu]);
        CHECK_EQ(loads[cpu].cycles, 300);
        CHECK_EQ(load_close(&loads[cpu]), SUCCESS);
    }
    CHECK(written > 6 * 20);
    service_close(&all);
    CHECK_EQ(ram_of_all(), before);
}

void trace_own_tests(void)
{
    RUN(only_who_sees_all_sees_sigma0);
    RUN(requests_to_sigma0_are_recorded);
    RUN(sigma0_traces_itself);
    RUN(sigma0_serves_while_it_is_traced);
}
