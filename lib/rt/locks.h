// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// lib/rt's own locks, for rt_locks_prepare. Order: rt_thread_lock, then one of the others.
#pragma once

#include "lib/rt/sync.h"

extern struct mutex rt_heap_lock, rt_address_lock, rt_thread_lock;
