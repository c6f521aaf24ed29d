// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The examples of doc/log.md.
#include "lib/core/log.h"
#include "lib/rt/string.h"
#include "test/system/manual/manual.h"

// doc: lines begin
// Two sessions with a label each, beside the one that print uses. Their lines never mix.
error_t example_lines(void)
{
    struct service_quota nothing = {0, 0};
    struct service_client weather, news;
    error_t error = service_init(&weather, "log", "weather", "", nothing);
    if (!error)
        error = service_init(&news, "log", "news", "", nothing);
    if (!error)
        error = log_write(&weather, "rain in the ", 12);
    if (!error)
        error = log_write(&news, "a tessera was found\n", 20);
    if (!error)
        error = log_write(&weather, "west\n", 5);
    service_close(&news);
    service_close(&weather);
    return error;
}
// doc: lines end

// doc: reading begin
// Counts the lines about rain in what the log still has.
error_t example_reading(unsigned *found)
{
    struct service_quota nothing = {0, 0};
    struct service_client reader;
    static char text[4096];
    u64 position = 0; // the oldest that is there
    size_t length = 0;
    error_t error = service_init(&reader, "log", "", "read", nothing);
    if (error)
        return error;
    *found = 0;
    do {
        error = log_read(&reader, &position, text, sizeof(text), &length);
        for (size_t i = 0; i + 4 <= length && !error; i++)
            *found += !memcmp(text + i, "rain", 4);
    } while (!error && length);
    service_close(&reader);
    return error;
}
// doc: reading end
