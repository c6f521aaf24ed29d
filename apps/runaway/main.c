// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Tour: an endless loop at a high priority. Its account gives it 5 ms of each 100, so nobody
// notices; `top` shows it.
#include "lib/rt/print.h"

int main(void)
{
    print("looping for ever from now on, at a priority above the shell's; my account allows 5%%\n");
    for (;;)
        __builtin_ia32_pause();
}
