// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The kernel's system tests, in this order: what others stand on comes first.
#include "test/system/kernel/support.h"

NORETURN void root_main(void);
void root_main(void)
{
    const struct test *groups[] = {
        arguments_tests,  ipc_tests,      death_tests,     exceptions_tests, memory_tests,
        semaphore_tests,  schedule_tests, priority_tests,  account_tests,    smp_tests,
        delegation_tests, signal_tests,   interrupt_tests, trace_tests,      random_tests};
    support_init();
    pauses_init();
    for (unsigned i = 0; i < ARRAY_SIZE(groups); i++)
        tests_run(groups[i]);
    tests_finish();
}
