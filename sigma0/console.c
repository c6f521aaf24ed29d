// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The machine's log lines (console.h). One lock, so that a line is never mixed with another. A
// driver that has COM1 is expected to read the ring and show what it finds; sigma0 keeps filling
// it.
#include "sigma0/console.h"
#include "lib/rt/assert.h"
#include "lib/rt/print.h"
#include "lib/rt/sync.h"
#include "lib/service/protocol.h"
#include "sigma0/echo.h"
#include "sigma0/sigma0.h"
#include "sigma0/uart.h"

enum { RING_BYTES = 32 * 1024, ALL_PORTS = 1 << 16 };

static char ring_bytes[RING_BYTES];
static struct log_ring ring;
static struct mutex log_lock = {{1, SEL_LOG_LOCK}};
static struct log_line own;
static void (*watch)(void);
static bool yielded;
static u64 unprinted; // position in the ring when the line was given away

// Runs under log_lock.
static void emit(const char *line, size_t length, void *context)
{
    (void)context;
    log_ring_append(&ring, line, length);
    if (!yielded)
        uart_write(line, length);
}

void console_write(struct log_line *line, const char *text, size_t length)
{
    mutex_lock(&log_lock);
    u64 before = ring.end;
    log_line_write(line, text, length, emit, NULL);
    bool more = ring.end != before;
    mutex_unlock(&log_lock);
    if (more && watch)
        watch();
}

void console_finish(struct log_line *line)
{
    mutex_lock(&log_lock);
    log_line_finish(line, emit, NULL);
    mutex_unlock(&log_lock);
}

size_t console_read(u64 *position, char *out, size_t size)
{
    mutex_lock(&log_lock);
    if (*position == LOG_UNPRINTED)
        *position = yielded ? unprinted : ring.end;
    size_t length = log_ring_read(&ring, position, out, size);
    mutex_unlock(&log_lock);
    return length;
}

void console_yield(bool to_client)
{
    mutex_lock(&log_lock);
    yielded = to_client;
    unprinted = ring.end;
    if (!yielded)
        uart_init();
    mutex_unlock(&log_lock);
}

void console_printed(u64 position)
{
    mutex_lock(&log_lock);
    if (position > unprinted && position <= ring.end)
        unprinted = position;
    mutex_unlock(&log_lock);
}

void console_watch(void (*function)(void))
{
    watch = function;
}

static void own_print(const char *text, size_t length)
{
    console_write(&own, text, length);
}

void console_init(void)
{
    error_t error = echo_take(CRD_IO, 0, 0, ALL_PORTS, IO_RW, 0);
    ASSERT(!error);
    uart_init();
    log_ring_init(&ring, ring_bytes, sizeof(ring_bytes));
    log_line_init(&own, "sigma0");
    rt_print = own_print;
}
