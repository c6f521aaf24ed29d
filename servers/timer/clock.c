// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Both times run on the TSC, which the kernel has calibrated. "Since start" begins when the kernel
// does, so it goes on over a restart of this server. The wall clock is set by the CMOS clock of the
// PC, read once through the ports 0x70 and 0x71, which are given back then.
//
// The CMOS clock must not be read while it is at work, about 2 ms each second, which its register A
// announces 244 µs ahead (MC146818A data sheet, "Update cycle"). A reader may be preempted for
// longer, so what counts is that two readings in a row are the same.
#include "servers/timer/clock.h"
#include "lib/rt/print.h"
#include "lib/rt/string.h"
#include "lib/rt/tsc.h"
#include "lib/service/env.h"
#include "servers/timer/rtc.h"

enum {
    CMOS_PORT = 0x70,
    CMOS_PORTS = 2,
    UPDATE_WAIT_US = 10000,
    READ_TRIES = 8,
    UPDATING = 1 << 7,
};
enum cmos_register {
    SECOND = 0,
    MINUTE = 2,
    HOUR = 4,
    DAY = 7,
    MONTH = 8,
    YEAR = 9,
    STATUS_A = 10,
    STATUS_B = 11,
    CENTURY = 0x32, // where nearly all firmware has it
};

static u64 wall_us, wall_tsc; // the wall clock showed wall_us when the TSC was wall_tsc

static u8 cmos(enum cmos_register which)
{
    u8 value = (u8)which;
    __asm__ volatile("outb %0, %1" ::"a"(value), "Nd"((u16)CMOS_PORT));
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"((u16)(CMOS_PORT + 1)));
    return value;
}

// Waits out an update, but not for ever. We may be preempted for longer than that lasts, so it is
// over time that the clock has to be at work yet.
static bool settled(void)
{
    u64 deadline = deadline_in_us(UPDATE_WAIT_US);
    for (bool late = false; cmos(STATUS_A) & UPDATING; late = rdtsc() > deadline) {
        if (late)
            return false;
    }
    return true;
}

static struct rtc_registers read_registers(void)
{
    struct rtc_registers r = {.second = cmos(SECOND),
                              .minute = cmos(MINUTE),
                              .hour = cmos(HOUR),
                              .day = cmos(DAY),
                              .month = cmos(MONTH),
                              .year = cmos(YEAR),
                              .century = cmos(CENTURY),
                              .mode = cmos(STATUS_B)};
    return r;
}

static bool read_clock(u64 *seconds)
{
    for (unsigned i = 0; i < READ_TRIES; i++) {
        if (!settled())
            return false;
        struct rtc_registers one = read_registers();
        if (!settled())
            return false;
        struct rtc_registers two = read_registers();
        if (!memcmp(&one, &two, sizeof(one)))
            return rtc_to_unix(&two, seconds);
    }
    return false;
}

void clock_init(void)
{
    static struct io_port ports;
    u64 seconds = 0;
    error_t error = io_port_open(&ports, CMOS_PORT, CMOS_PORTS);
    if (error) {
        print("timer: no session io_port \"0x70,2\" (%s); the wall clock counts from 0\n",
              error_name(error));
    } else {
        if (!read_clock(&seconds))
            print("timer: the real-time clock shows no time; the wall clock counts from 0\n");
        io_port_close(&ports);
    }
    wall_us = seconds * 1000000;
    wall_tsc = rdtsc();
}

u64 clock_since_start(void)
{
    return tsc_to_us(rdtsc() - hip()->boot_tsc);
}

u64 clock_wall(void)
{
    return wall_us + tsc_to_us(rdtsc() - wall_tsc);
}

u64 clock_deadline(u64 us)
{
    return hip()->boot_tsc + tsc_from_us(us);
}
