// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Makes the kernel halves of lib/rt's locks while a failure can still be reported.
#include "lib/rt/locks.h"

error_t rt_locks_prepare(void)
{
    error_t error = mutex_prepare(&rt_heap_lock);
    if (!error)
        error = mutex_prepare(&rt_address_lock);
    if (!error)
        error = mutex_prepare(&rt_thread_lock);
    return error;
}
