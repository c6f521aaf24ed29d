// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What bench-service starts again and again: tells the time at which its main began.
#include "lib/rt/tsc.h"
#include "lib/service/client.h"

int main(void)
{
    u64 began = rdtsc();
    struct service_client c;
    if (service_init(&c, "stamp", "", "", (struct service_quota){0, 0}))
        return 1;
    return (int)service_call1(&c, SERVICE_FIRST, began);
}
