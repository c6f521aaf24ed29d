// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// A debugger that has the child's main thread hit a breakpoint and its other one stand still, and
// then does nothing more.
#include "test/system/supervise/debuggee.h"
#include "lib/rt/print.h"
#include "lib/rt/tsc.h"

int main(void)
{
    static struct debuggee d;
    struct exc_state state;
    sel_t main_thread, ticker;
    error_t error = debuggee_open(&d, "whoever"); // our route says who
    if (!error)
        error = debuggee_attach(&d);
    if (!error)
        error = debuggee_thread(&d, "", &main_thread);
    if (!error)
        error = debuggee_thread(&d, "ticker", &ticker);
    if (!error)
        error = debuggee_stop(&d, ticker, &state);
    if (!error)
        error = debuggee_stop(&d, main_thread, &state);
    if (!error)
        error = debuggee_patch(&d, state.rip, BREAKPOINT, NULL);
    if (!error)
        error = cpu_thread_resume(&d.cpu, main_thread);
    if (!error)
        error = hc_sm_down(d.exceptions, DEADLINE_NEVER);
    print("spy: stands: %s\n", error_name(error));
    for (;;)
        pause_us(1000000);
}
