// needs: lib/core/trace_ring.c
// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Reading a trace's ring: whatever its writer did since, what is read is in order, whole and told
// once, and what was lost is counted.
#include "lib/core/trace_ring.h"
#include "test/host/check.h"
#include <stdlib.h>
#include <string.h>

enum { CAPACITY = 8 };

static struct trace_ring *ring;

// As the kernel does.
static void write_records(unsigned count, bool stop)
{
    while (count--) {
        u64 n = ring->written;
        if (stop && n - ring->read >= CAPACITY) {
            ring->lost++;
            continue;
        }
        ring->record[n % CAPACITY] =
            (struct trace_record){.tsc = n, .event = TRACE_MARK, .first = n, .second = ~n};
        ring->written = n + 1;
    }
}

static void ring_new(void)
{
    free(ring);
    ring = calloc(1, sizeof(*ring) + CAPACITY * sizeof(struct trace_record));
    ring->capacity = CAPACITY;
}

// Random bursts of writing and reading.
static void run(bool stop)
{
    u64 got = 0, last = 0;
    struct trace_record r[CAPACITY];
    ring_new();
    struct trace_reader reader = trace_reader(ring, stop ? TRACE_STOP : 0);
    for (unsigned i = 0; i < 10000; i++) {
        write_records((unsigned)random_below(20), stop);
        unsigned n = trace_read(&reader, r, (unsigned)random_below(CAPACITY + 1));
        for (unsigned k = 0; k < n; k++) {
            CHECK(r[k].first == r[k].tsc && r[k].second == ~r[k].tsc);
            CHECK(!got || r[k].tsc > last);
            last = r[k].tsc;
            got++;
        }
        CHECK(reader.position == got + reader.lost);
        CHECK(!stop || !reader.lost);
    }
    CHECK(stop ? ring->lost > 0 : reader.lost > 0);
}

static void overwritten_records_are_counted(void)
{
    run(false);
}

static void a_stopping_ring_loses_nothing_unseen(void)
{
    run(true);
}

static void names_are_the_tables(void)
{
    CHECK(!strcmp(trace_event_name(TRACE_CALL), "CALL"));
    CHECK(!strcmp(trace_first_name(TRACE_FAULT), "vector"));
    CHECK(!strcmp(trace_second_name(TRACE_DISPATCH), "operation"));
    CHECK(!strcmp(trace_event_name(0), "?") && !strcmp(trace_first_name(99), "?"));
}

int main(void)
{
    RUN(overwritten_records_are_counted);
    RUN(a_stopping_ring_loses_nothing_unseen);
    RUN(names_are_the_tables);
    free(ring);
    return check_failures != 0;
}
