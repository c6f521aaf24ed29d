// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// A child of an init below the init, for scenarios/kept: which of its lives this is stands in what
// it keeps, and shows in the label of a session that it opens.
#include "lib/rt/print.h"
#include "lib/service/env.h"
#include "lib/service/keep.h"

int main(void)
{
    static char label[32];
    struct service_client echo;
    struct kept kept;
    sel_t never;
    error_t error = kept_open(&kept, "lives", sizeof(u64));
    if (!error)
        error = semaphore_create(0, &never);
    if (error)
        return 2;
    text_format(label, sizeof(label), "life %lu", ++*(u64 *)kept.data);
    error = service_init(&echo, "echo", label, "", (struct service_quota){0, 0});
    if (!error)
        error = service_open(&echo);
    return error ? 3 : (int)hc_sm_down(never, DEADLINE_NEVER);
}
