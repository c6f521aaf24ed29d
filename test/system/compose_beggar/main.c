// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// A child of the compose scenario that asks for sessions without a route, for services that it may
// not offer and for what it may not keep, which fills no log (scenarios/compose/check). Its life is
// over when all of it has been refused.
#include "lib/rt/start.h"
#include "lib/service/client.h"
#include "lib/service/keep.h"
#include "lib/service/server.h"

enum { TIMES = 100 };

static bool refused(void)
{
    static struct server server;
    static const struct server_ops ops;
    const struct server_config offer = {.name = "alms", .sessions_max = 1, .ops = &ops};
    struct service_client c;
    struct kept kept = KEPT_NONE;
    if (service_init(&c, "bread", "", "", (struct service_quota){0, 0}))
        return false;
    error_t error = service_open(&c);
    service_close(&c);
    return error == EPERM && server_start(&server, &offer) == EPERM &&
           kept_open(&kept, "bread", PAGE_SIZE) == EPERM;
}

int main(void)
{
    for (unsigned i = 0; i < TIMES; i++) {
        if (!refused())
            return 1;
    }
    return 0;
}
