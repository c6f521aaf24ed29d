// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The program's memory, and breakpoints in it (target.h). It is read and written as its threads see
// it; what they cannot write, the text above all, is written where we loaded it, or by
// init, which did.
#include "apps/gdbstub/target.h"
#include "lib/rt/string.h"

enum { BREAKPOINT = 0xcc }; // int3

static struct breakpoint {
    u64 address;
    u8 was; // the byte that belongs there
} breakpoints[BREAKPOINTS_MAX];
static unsigned count;

static size_t raw_read(u64 address, void *bytes, size_t size)
{
    size_t done = size;
    struct domain_program *p = &target.program;
    return domain_read(&p->pd, p->domain.domain, address, bytes, &done) ? 0 : done;
}

// Where we loaded it, or by way of who did.
static size_t write_text(u64 address, const u8 *bytes, size_t size)
{
    size_t there;
    if (target.attaches)
        return attach_write(address, bytes, size);
    char *view = program_image_view(&target.program.image, address, &there);
    if (!view)
        return 0;
    size = size < there ? size : there;
    memcpy(view, bytes, size);
    return size;
}

static size_t raw_write(u64 address, const u8 *bytes, size_t size)
{
    struct domain_program *p = &target.program;
    size_t done = 0;
    while (done < size) {
        size_t part = size - done;
        error_t error = domain_write(&p->pd, p->domain.domain, address + done, bytes + done, &part);
        if (error) {
            part = error == EPERM ? write_text(address + done, bytes + done, size - done) : 0;
            if (!part)
                break;
        }
        done += part;
    }
    return done;
}

// Breakpoint i's place in [address, address + size); false if it is not there.
static bool inside(unsigned i, u64 address, size_t size, size_t *at)
{
    *at = breakpoints[i].address - address;
    return breakpoints[i].address >= address && *at < size;
}

size_t memory_look(u64 address, u8 *bytes, size_t size)
{
    size_t done = raw_read(address, bytes, size), at;
    for (unsigned i = 0; i < count; i++) {
        if (inside(i, address, done, &at))
            bytes[at] = breakpoints[i].was;
    }
    return done;
}

size_t memory_put(u64 address, const u8 *bytes, size_t size)
{
    u8 copy[GDB_PACKET_MAX];
    size_t at;
    size = size < sizeof(copy) ? size : sizeof(copy);
    memcpy(copy, bytes, size);
    for (unsigned i = 0; i < count; i++) {
        if (inside(i, address, size, &at))
            copy[at] = BREAKPOINT;
    }
    size_t done = raw_write(address, copy, size);
    for (unsigned i = 0; i < count; i++) {
        if (inside(i, address, done, &at))
            breakpoints[i].was = bytes[at];
    }
    return done;
}

static unsigned find(u64 address)
{
    unsigned i = 0;
    while (i < count && breakpoints[i].address != address)
        i++;
    return i;
}

bool breakpoint_is_set(u64 address)
{
    return find(address) < count;
}

error_t breakpoint_set(u64 address)
{
    u8 was, now = BREAKPOINT;
    if (breakpoint_is_set(address))
        return SUCCESS;
    if (count == BREAKPOINTS_MAX)
        return ERESOURCE;
    if (!raw_read(address, &was, 1))
        return ENOTFOUND;
    if (!raw_write(address, &now, 1) || !raw_read(address, &now, 1) || now != BREAKPOINT)
        return EPERM;
    breakpoints[count++] = (struct breakpoint){address, was};
    return SUCCESS;
}

error_t breakpoint_clear(u64 address)
{
    unsigned i = find(address);
    if (i == count)
        return SUCCESS;
    (void)raw_write(address, &breakpoints[i].was, 1); // unless the program took that memory away
    breakpoints[i] = breakpoints[--count];
    return SUCCESS;
}

void breakpoints_forget(void)
{
    count = 0;
}

void breakpoints_clear(void)
{
    while (count)
        (void)!breakpoint_clear(breakpoints[count - 1].address);
}
