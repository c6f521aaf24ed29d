// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Tour: a client of the greeter. Its configuration (ROM module "config") says its name and how
// often it calls; two children of the scenario run this same program.
#include "apps/greeter/greeter.h"
#include "lib/rt/print.h"
#include "lib/service/env.h"
#include "lib/service/timer.h"
#include <libfdt.h>

enum { PAUSE_US = 200000 };

static const char *name = "somebody";
static u64 calls = 3;

static void configure(void)
{
    static struct rom config; // stays: the name lies in it
    int length;
    if (rom_open(&config, "config") || fdt_check_header(config.data))
        return;
    const char *text = fdt_getprop(config.data, 0, "name", &length);
    if (text && length > 0 && !text[length - 1])
        name = text;
    const fdt64_t *number = fdt_getprop(config.data, 0, "calls", &length);
    if (number && length == sizeof(*number))
        calls = fdt64_to_cpu(*number);
}

int main(void)
{
    struct service_client greeter, clock;
    struct timer timer;
    configure();
    if (service_init(&greeter, "greeter", "", "", (struct service_quota){0, 0}) ||
        timer_open(&timer, &clock))
        return 1;
    print("I am %s: so says my config block. I call the greeter %lu times\n", name, calls);
    for (u64 i = 0; i < calls; i++) {
        struct msg m;
        char answer[128];
        service_begin(&greeter, &m, GREETER_GREET);
        msg_put_string(&m, name);
        if (service_call(&greeter, &m))
            return 1;
        msg_get_string(&m, answer, sizeof(answer));
        print("the greeter says: %s\n", answer);
        (void)!timer_sleep(&timer, PAUSE_US);
    }
    return 0;
}
