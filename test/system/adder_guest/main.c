// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What services ask their parent about a client: a second session of a service that allows one, a
// session that is upgraded, and the client's end.
#include "lib/rt/print.h"
#include "lib/rt/start.h"
#include "lib/service/client.h"
#include "test/system/adder/adder.h"

int main(void)
{
    const struct service_quota nothing = {0, 0}, more = {64 << 10, 4};
    struct service_client first, second, adder;
    struct msg m;
    error_t error = service_init(&first, "single", "", "", nothing);
    if (!error)
        error = service_open(&first);
    print("first session: %s\n", error_name(error));
    error = service_init(&second, "single", "", "", nothing);
    if (!error)
        error = service_open(&second);
    print("second session: %s\n", error_name(error));
    error = service_init(&adder, "adder", "own label", "", nothing);
    if (!error)
        error = service_open(&adder);
    if (!error)
        error = service_upgrade(&adder, more);
    print("upgrade: %s\n", error_name(error));
    service_begin(&adder, &m, ADDER_END_ME);
    error = service_call(&adder, &m);
    print("end asked for: %s\n", error_name(error));
    for (;;)
        rt_halt();
}
