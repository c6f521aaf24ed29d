// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The real-time clock's registers as a time (MC146818A data sheet). Pure functions; clock.c reads.
#pragma once

#include <tessera/types.h>

enum rtc_mode {
    RTC_24_HOURS = 1 << 1, // else bit 7 of the hour is "p.m."
    RTC_BINARY = 1 << 2,   // else two decimal digits a byte
};

struct rtc_registers {
    u8 second, minute, hour, day, month, year;
    u8 century; // of the firmware's own register; used if it makes sense
    u8 mode;    // register B, enum rtc_mode
};

// Seconds from 1970-01-01 00:00:00 to what the registers say, which is taken to be UTC. False if
// they hold no time from 1970 to 2199.
MUST_CHECK bool rtc_to_unix(const struct rtc_registers *registers, u64 *seconds);
