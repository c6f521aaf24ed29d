// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Runs in init's place and says how many instructions lay between the kernel's entry and its main.
#include "lib/rt/print.h"
#include "lib/rt/start.h"
#include "lib/rt/tsc.h"
#include "lib/service/env.h"
#include "test/system/exit.h"

int main(void)
{
    u64 now = rdtsc();
    print("bench: boot_to_init %lu %lu instructions\n", now - hip()->boot_tsc,
          now - hip()->boot_tsc);
    print("bench: DONE\n");
    machine_exit(0);
    return 0;
}
