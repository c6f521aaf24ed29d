// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What init tells of what was used at most, and of who ran dry in its own domain; mostly about this
// very component, "judge", whose caps are those of compose.ucl. Before others have used them all.
#include "lib/rt/selector.h"
#include "lib/rt/string.h"
#include "lib/service/env.h"
#include "test/system/check.h"
#include "test/system/compose/compose.h"

enum { CAPS = 1000, SPIKE = 90, DONATED = 100, CRIES = 1000 };
static sel_t held[CAPS];

static void drop(unsigned count)
{
    while (count)
        selector_drop(held[--count]);
}

// As many as go up to `most`.
static unsigned make(unsigned most)
{
    unsigned count = 0;
    while (count < most && !semaphore_create(0, &held[count]))
        count++;
    return count;
}

// Semaphores that are made and dropped, and a donation that is given and comes back, between two
// questions: to the slot.
static void spikes_between_two_looks_are_seen(void)
{
    struct service_client control, c;
    struct control_quota before, after;
    CHECK_EQ(open(&control, "init"), SUCCESS);
    CHECK_EQ(control_quota(&control, "judge", &before), SUCCESS);
    unsigned count = (unsigned)(before.caps.most - before.caps.used) + SPIKE;
    CHECK_EQ(make(count), count);
    drop(count);
    CHECK_EQ(control_quota(&control, "judge", &after), SUCCESS);
    CHECK_EQ(after.caps.used, before.caps.used);
    CHECK_EQ(after.caps.most, before.caps.used + count);
    CHECK(after.kmem.most >= before.kmem.used + 64ul * count);
    CHECK(after.kmem.most <= before.kmem.most + 256ul * count);
    CHECK_EQ(control_quota(&control, "judge", &before), SUCCESS);
    count = (unsigned)(before.caps.most - before.caps.used) + DONATED;
    CHECK_EQ(service_init(&c, "echo", "", "", (struct service_quota){0, count}), SUCCESS);
    CHECK_EQ(service_open(&c), SUCCESS);
    service_close(&c);
    CHECK_EQ(control_quota(&control, "judge", &after), SUCCESS);
    CHECK(after.caps.most >= before.caps.used + count);
    CHECK(after.caps.most <= before.caps.used + count + 16); // its pseudonym, portals, init's fee
    service_close(&control);
}

// Used, limit, who asked, and what would have been enough; with what was refused in the account.
static void who_runs_dry_in_its_own_domain_is_told(void)
{
    static const char expected[] =
        "its own domain wants 1 more of caps, 1000 of 1000 are used; caps = 1001 would do";
    struct service_client control;
    struct control_quota before, q;
    CHECK_EQ(open(&control, "init"), SUCCESS);
    CHECK_EQ(control_quota(&control, "judge", &before), SUCCESS);
    unsigned count = make(CAPS);
    drop(count);
    CHECK(count > CAPS / 2 && count < CAPS);
    CHECK_EQ(control_quota(&control, "judge", &q), SUCCESS);
    CHECK_EQ(q.refusals, before.refusals + 1);
    CHECK(!strcmp(q.last, expected));
    CHECK_EQ(q.caps.most, CAPS);
    CHECK(q.caps.refused > CAPS && control_suggest(&q).caps >= q.caps.refused);
    // Again, it counts; scenarios/compose/check sees that it is said once.
    for (unsigned i = 0; i < 10; i++)
        drop(make(CAPS));
    CHECK_EQ(control_quota(&control, "judge", &q), SUCCESS);
    CHECK_EQ(q.refusals, before.refusals + 11);
    service_close(&control);
}

// A child that says that it ran dry, and did not, is not heard, however often it says so.
static void cries_of_thirst_are_not_believed(void)
{
    struct service_client control;
    struct control_quota before, after;
    CHECK_EQ(open(&control, "init"), SUCCESS);
    CHECK_EQ(control_quota(&control, "judge", &before), SUCCESS);
    for (word_t i = 0; i < CRIES; i++)
        CHECK_EQ(parent_signal(SIGNAL_RESOURCE, i << 20), SUCCESS);
    CHECK_EQ(control_quota(&control, "judge", &after), SUCCESS);
    CHECK_EQ(after.refusals, before.refusals);
    CHECK(!strcmp(after.last, before.last) && after.caps.refused == before.caps.refused);
    u64 left, lacked; // nobody looks at, or hides, his own peak
    CHECK_EQ(hc_pd_peak(SEL_PD, PD_PEAK_CAPS, &left, &lacked), EPARAM);
    service_close(&control);
}

// Slots that a client has given to a service come with their kernel memory into the server's next
// life too: they go back with it.
static void a_new_life_has_what_its_clients_gave(void)
{
    struct service_client control, c;
    struct control_quota empty, with, after;
    struct control_child server;
    CHECK_EQ(open(&control, "init"), SUCCESS);
    CHECK_EQ(control_quota(&control, "server", &empty), SUCCESS);
    CHECK_EQ(service_init(&c, "echo", "", "", (struct service_quota){0, DONATED}), SUCCESS);
    CHECK_EQ(service_open(&c), SUCCESS);
    CHECK_EQ(control_quota(&control, "server", &with), SUCCESS);
    CHECK_EQ(with.caps.limit, empty.caps.limit + DONATED);
    CHECK_EQ(with.kmem.limit, empty.kmem.limit + DONATED * CAP_KMEM);
    CHECK_EQ(control_find(&control, "server", &server), SUCCESS);
    CHECK_EQ(kill_and_start(&control, "server"), SUCCESS);
    CHECK(reaches(&control, "server", CHILD_RUNNING, server.restarts + 1));
    CHECK_EQ(control_quota(&control, "server", &after), SUCCESS);
    CHECK(after.caps.limit == with.caps.limit && after.kmem.limit == with.kmem.limit);
    service_close(&c);
    CHECK_EQ(control_quota(&control, "server", &after), SUCCESS);
    CHECK(after.caps.limit == empty.caps.limit && after.kmem.limit == empty.kmem.limit);
    service_close(&control);
}

void peaks_tests(void)
{
    RUN(spikes_between_two_looks_are_seen);
    RUN(who_runs_dry_in_its_own_domain_is_told);
    RUN(cries_of_thirst_are_not_believed);
    RUN(a_new_life_has_what_its_clients_gave);
}
