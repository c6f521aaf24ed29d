// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// From digits to seconds (rtc.h).
#include "servers/timer/rtc.h"

enum { HOUR_PM = 0x80, YEAR_FIRST = 1970, YEAR_LAST = 2199 };

// The value of one register; above 99 if it is not two decimal digits.
static unsigned number(u8 value, u8 mode)
{
    if (mode & RTC_BINARY)
        return value;
    return (value & 15) > 9 || value >> 4 > 9 ? 255 : (value >> 4) * 10u + (value & 15);
}

static bool leap(unsigned year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static unsigned days_of_month(unsigned month, unsigned year)
{
    static const u8 days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && leap(year));
}

// False: no hour.
static bool hour_of(const struct rtc_registers *r, unsigned *hour)
{
    if (r->mode & RTC_24_HOURS) {
        *hour = number(r->hour, r->mode);
        return *hour < 24;
    }
    unsigned twelve = number(r->hour & (u8)~HOUR_PM, r->mode);
    if (twelve < 1 || twelve > 12)
        return false;
    *hour = twelve % 12 + (r->hour & HOUR_PM ? 12 : 0);
    return true;
}

static unsigned year_of(const struct rtc_registers *r, unsigned year)
{
    unsigned century = number(r->century, r->mode);
    if (century >= 19 && century <= 21)
        return century * 100 + year;
    return year < 70 ? 2000 + year : 1900 + year;
}

bool rtc_to_unix(const struct rtc_registers *r, u64 *seconds)
{
    unsigned second = number(r->second, r->mode), minute = number(r->minute, r->mode), hour;
    unsigned day = number(r->day, r->mode), month = number(r->month, r->mode);
    unsigned year = number(r->year, r->mode);
    if (second > 59 || minute > 59 || year > 99 || !hour_of(r, &hour) || month < 1 || month > 12)
        return false;
    year = year_of(r, year);
    if (year < YEAR_FIRST || year > YEAR_LAST || day < 1 || day > days_of_month(month, year))
        return false;
    u64 days = day - 1;
    for (unsigned y = YEAR_FIRST; y < year; y++)
        days += 365 + leap(y);
    for (unsigned m = 1; m < month; m++)
        days += days_of_month(m, year);
    *seconds = ((days * 24 + hour) * 60 + minute) * 60 + second;
    return true;
}
