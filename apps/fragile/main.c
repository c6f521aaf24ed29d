// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Tour: a service that touches address 0 at its third call. Its parent starts it again.
#include "lib/rt/print.h"
#include "lib/service/server.h"

static unsigned calls;

static error_t dispatch(struct server_session *session, struct server_cpu *cpu, word_t operation,
                        struct msg *m)
{
    (void)session, (void)cpu, (void)operation;
    if (++calls == 3)
        *(volatile int *)0 = 1; // cppcheck-suppress nullPointer
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, calls);
    return SUCCESS;
}

int main(void)
{
    static struct server server;
    static const struct server_ops ops = {.dispatch = dispatch};
    struct server_config config = {.name = "fragile", .sessions_max = 16, .ops = &ops};
    if (server_start(&server, &config))
        return 1;
    print("ready\n");
    server_run(&server);
}
