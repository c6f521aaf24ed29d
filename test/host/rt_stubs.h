// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What lib/rt has around a program, for tests that run parts of one on the host: a UTCB, one CPU, a
// panic that fails the test.
#pragma once

#include "lib/rt/start.h"
#include "lib/rt/utcb.h"
#include "test/host/check.h"

static struct utcb host_utcb;
static struct hip host_hip = {.cpu_count = 1};

struct utcb *utcb(void)
{
    return &host_utcb;
}

const struct hip *hip(void)
{
    return &host_hip;
}

NORETURN void rt_panic(const char *format, ...)
{
    printf("FAIL panic: %s\n", format);
    exit(1);
}
