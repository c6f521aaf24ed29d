// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// A child of the compose scenario that comes to a bad end: its server asks its parent to kill it,
// or, where it has a route to "ghost", it waits for that for ever, to "count", it donates more and
// more; with none it beats its heart thrice and then no more.
#include "lib/rt/print.h"
#include "lib/rt/selector.h"
#include "lib/rt/start.h"
#include "lib/rt/tsc.h"
#include "lib/service/client.h"
#include "test/system/compose_server/operations.h"

enum { BEAT_US = 50000, UPGRADES = 40 };

static error_t open(struct service_client *c, const char *name)
{
    error_t error = service_init(c, name, "", "", (struct service_quota){0, 0});
    return error ? error : service_open(c);
}

int main(void)
{
    struct service_client c;
    if (!open(&c, "echo")) {
        print("asks for its end: %s\n", error_name(service_call0(&c, COMPOSE_KILL_ME)));
        rt_halt();
    }
    if (!open(&c, "ghost"))
        return 1;
    while (!open(&c, "count")) {
        for (unsigned i = 0; i < UPGRADES; i++)
            (void)!service_upgrade(&c, (struct service_quota){PAGE_SIZE, 1});
        service_close(&c);
    }
    sel_t never = selector_alloc();
    error_t error = hc_create_sm(never, 0, SEL_PD);
    for (unsigned i = 0; i < 3 && !error; i++) {
        error = parent_signal(SIGNAL_HEARTBEAT, 0);
        (void)!hc_sm_down(never, deadline_in_us(BEAT_US));
    }
    rt_halt();
}
