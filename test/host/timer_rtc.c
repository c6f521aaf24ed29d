// needs: servers/timer/rtc.c
// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The real-time clock's registers as seconds since 1970: every day of it against the C library, the
// two ways to write hours and numbers, and registers that hold no time.
#define _DEFAULT_SOURCE
#include "servers/timer/rtc.h"
#include "test/host/check.h"
#include <time.h>

static u8 coded(unsigned value, u8 mode)
{
    return (u8)(mode & RTC_BINARY ? value : value / 10 * 16 + value % 10);
}

static u8 hour_coded(unsigned hour, u8 mode)
{
    if (mode & RTC_24_HOURS)
        return coded(hour, mode);
    return (u8)(coded(hour % 12 ? hour % 12 : 12, mode) | (hour >= 12 ? 0x80 : 0));
}

static struct rtc_registers registers_of(time_t at, u8 mode)
{
    struct tm t;
    gmtime_r(&at, &t);
    unsigned year = (unsigned)t.tm_year + 1900;
    return (struct rtc_registers){.second = coded((unsigned)t.tm_sec, mode),
                                  .minute = coded((unsigned)t.tm_min, mode),
                                  .hour = hour_coded((unsigned)t.tm_hour, mode),
                                  .day = coded((unsigned)t.tm_mday, mode),
                                  .month = coded((unsigned)t.tm_mon + 1, mode),
                                  .year = coded(year % 100, mode),
                                  .century = coded(year / 100, mode),
                                  .mode = mode};
}

static void every_day_agrees_with_the_c_library(void)
{
    static const u8 modes[] = {0, RTC_24_HOURS, RTC_BINARY, RTC_24_HOURS | RTC_BINARY};
    u64 seconds;
    unsigned wrong = 0;
    for (time_t day = 0; day < 230 * 365; day++) {
        time_t at = day * 86400 + (time_t)random_below(86400);
        struct rtc_registers r = registers_of(at, modes[day % 4]);
        seconds = ~0ul;
        wrong += at < 7258118400 && (!rtc_to_unix(&r, &seconds) || seconds != (u64)at);
    }
    CHECK(wrong == 0);
}

static void every_hour_in_both_ways(void)
{
    u64 seconds;
    for (unsigned hour = 0; hour < 24; hour++) {
        for (u8 mode = 0; mode < 8; mode += 2) {
            struct rtc_registers r = registers_of((time_t)hour * 3600, mode);
            CHECK(rtc_to_unix(&r, &seconds) && seconds == hour * 3600);
        }
    }
}

static bool date(unsigned year, unsigned month, unsigned day, u64 *seconds)
{
    u8 mode = RTC_24_HOURS;
    struct rtc_registers r = {.day = coded(day, mode),
                              .month = coded(month, mode),
                              .year = coded(year % 100, mode),
                              .century = coded(year / 100, mode),
                              .mode = mode};
    return rtc_to_unix(&r, seconds);
}

static void leap_days(void)
{
    u64 seconds;
    CHECK(date(2000, 2, 29, &seconds) && seconds == 951782400);
    CHECK(date(2000, 3, 1, &seconds) && seconds == 951868800);
    CHECK(date(2024, 2, 29, &seconds) && seconds == 1709164800);
    CHECK(!date(2023, 2, 29, &seconds));
    CHECK(!date(2100, 2, 29, &seconds));
    CHECK(date(2100, 3, 1, &seconds) && seconds == 4107542400);
    CHECK(date(1970, 1, 1, &seconds) && seconds == 0);
}

static void without_a_century_the_year_decides(void)
{
    struct rtc_registers r = {.day = 1, .month = 1, .year = 0x26, .mode = RTC_24_HOURS};
    u64 seconds;
    CHECK(rtc_to_unix(&r, &seconds) && seconds == 1767225600);
    r.century = 0xff;
    CHECK(rtc_to_unix(&r, &seconds) && seconds == 1767225600);
    r.year = 0x99;
    CHECK(rtc_to_unix(&r, &seconds) && seconds == 915148800);
}

static void nonsense_is_refused(void)
{
    u64 seconds;
    struct rtc_registers good = registers_of(1000000000, RTC_24_HOURS), r;
    u8 *const field[] = {&r.second, &r.minute, &r.hour, &r.day, &r.month, &r.year};
    for (unsigned i = 0; i < 6; i++) {
        r = good;
        CHECK(rtc_to_unix(&r, &seconds));
        *field[i] = 0x1b; // no decimal digit
        CHECK(!rtc_to_unix(&r, &seconds));
        *field[i] = 0xff;
        CHECK(!rtc_to_unix(&r, &seconds));
    }
    CHECK(!date(2020, 0, 1, &seconds));
    CHECK(!date(2020, 1, 0, &seconds));
    CHECK(!date(2020, 4, 31, &seconds));
    r = good;
    r.mode = 0;
    r.hour = 0x00; // there is no hour 0 of twelve
    CHECK(!rtc_to_unix(&r, &seconds));
    r.hour = 0x13;
    CHECK(!rtc_to_unix(&r, &seconds));
    for (unsigned i = 0; i < 1000000; i++) {
        for (unsigned j = 0; j < sizeof(r); j++)
            ((u8 *)&r)[j] = (u8)random_next();
        if (rtc_to_unix(&r, &seconds) && seconds >= 7258118400)
            CHECK(!"beyond 2199");
    }
}

int main(void)
{
    RUN(every_day_agrees_with_the_c_library);
    RUN(every_hour_in_both_ways);
    RUN(leap_days);
    RUN(without_a_century_the_year_decides);
    RUN(nonsense_is_refused);
    return check_failures != 0;
}
