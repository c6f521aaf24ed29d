// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// POWER: off and reset (protocol.h, POWER_OPERATIONS). Who has a session may do both: so the route
// is the permission. The tables are read once, at start, so that what is missing is said then.
// ACPICA, which would run the machine's own code before (\_PTS), comes later: this is what turns
// off a PC that needs no more than the write, and virtual machines.
//
// There is one way out, so one request at a time: the others wait for it.
#include "drivers/power/reset.h"
#include "lib/rt/print.h"
#include "lib/service/server.h"

static struct server server;
static struct machine machine;
static struct mutex lock = MUTEX_INIT;

static error_t dispatch(struct server_session *session, struct server_cpu *cpu, word_t operation,
                        struct msg *m)
{
    (void)session, (void)cpu, (void)m;
    if (operation != POWER_OFF && operation != POWER_RESET)
        return EPROTO;
    mutex_lock(&lock);
    error_t error = operation == POWER_OFF ? machine_off(&machine) : machine_reset(&machine);
    mutex_unlock(&lock);
    print("power: %s failed: %s\n", operation == POWER_OFF ? "off" : "reset", error_name(error));
    return error;
}

static const struct server_ops ops = {.dispatch = dispatch};

int main(void)
{
    struct server_config config = {.name = "power", .ops = &ops};
    error_t error = tables_read(&machine);
    if (error)
        print("power: only reset is offered\n");
    error = mutex_prepare(&lock);
    if (!error)
        error = server_start(&server, &config);
    if (error) {
        print("power: cannot offer the service: %s\n", error_name(error));
        return 1;
    }
    server_run(&server);
}
