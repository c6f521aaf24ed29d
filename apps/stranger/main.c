// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Tour: a component whose configuration has no route to the greeter. It is not that a check fails
// somewhere: it has no capability with which to ask.
#include "lib/rt/print.h"
#include "lib/service/client.h"

int main(void)
{
    struct service_client greeter;
    print("I shall ask for the greeter, to which my block in tour.ucl has no route\n");
    if (service_init(&greeter, "greeter", "", "", (struct service_quota){0, 0}))
        return 1;
    error_t error = service_open(&greeter);
    if (error == EPERM)
        print("denied, as it should be: no route leads from here to the greeter\n");
    else
        print("this should have been denied, but was answered %s\n", error_name(error));
    return error != EPERM;
}
