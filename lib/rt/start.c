// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// From start.S to main (start.h). There are no constructors. `main` is weak because sigma0 links
// all of lib/rt but starts in its own way.
#include "lib/rt/start.h"
#include "lib/rt/thread.h"

#pragma weak main

void rt_start(word_t hip_address, word_t cpu)
{
    (void)hip_address; // always HIP_ADDR
    *thread_words() =
        (struct thread_words){.cpu = (u32)cpu, .ec = SEL_EC, .done = SEL_NONE, .park = SEL_NONE};
    rt_main_init();
    rt_exit(main());
}
