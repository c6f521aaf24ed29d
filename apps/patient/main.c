// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Tour: a client of the fragile service. The call that is under way when the service dies fails
// cleanly; the next one finds its next life, without the client's doing.
#include "lib/rt/print.h"
#include "lib/service/client.h"

int main(void)
{
    struct service_client fragile;
    print("I call a service that faults at its third call; init starts it again. See what I "
          "notice\n");
    if (service_init(&fragile, "fragile", "", "", (struct service_quota){0, 0}))
        return 1;
    for (unsigned i = 1; i <= 4; i++) {
        word_t w[4] = {0};
        error_t error = service_call_words(&fragile, SERVICE_FIRST, w);
        if (!error)
            print("call %u succeeds; it is number %lu in the service's life\n", i, w[1]);
        else if (error == EABORT)
            print("call %u fails cleanly: the service died in it\n", i);
        else
            return 1;
    }
    return 0;
}
