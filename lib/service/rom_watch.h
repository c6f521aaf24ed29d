// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Clients of ROM modules that change (protocol.h, ROM_OPERATIONS; lib/module) and of the service
// "report", which feeds such ones (doc/report.md).
//
// A mapped module vanishes with its server, and who touches it then faults. rom_copy reads it by
// messages instead: what arrives is whole and the caller's own.
#pragma once

#include "lib/service/client.h"

struct rom_watch {
    struct service_client client;
    sel_t changed; // SEL_NONE: not watched
};

// A handle on the module `name`; the strings must stay. A server that bills its readers takes what
// a version costs (module_cost) from `quota`. Errors: those of service_init.
MUST_CHECK error_t rom_watch_init(struct rom_watch *rom, const char *name, const char *label,
                                  struct service_quota quota);
void rom_watch_close(struct rom_watch *rom);
// Asks to be told of changes. EFEATURE: there will be none; those of service_call. After a server's
// death it is to be called again.
MUST_CHECK error_t rom_watch_begin(struct rom_watch *rom);
// Waits for a change until `deadline` (TSC). ETIMEOUT; EABORT: the server died.
MUST_CHECK error_t rom_watch_wait(struct rom_watch *rom, u64 deadline);
// The newest version, copied: *data is the caller's, for memory_free(*data, *size + 1), and a zero
// byte stands behind it. ENOTFOUND there is none, ERESOURCE we cannot pay for it, or it has more
// than `most` bytes, EMEM, EABORT the server died, ERETRY it changes all the time, EPROTO it does
// not serve parts.
MUST_CHECK error_t rom_copy(struct rom_watch *rom, size_t most, void **data, size_t *size);

// Publishes a report in a session of "report" (made with service_init; args: its name), whose quota
// pays for it. Errors: ERESOURCE, those of service_call.
MUST_CHECK error_t report_write(struct service_client *report, const void *data, size_t size);
// Takes it back.
MUST_CHECK error_t report_clear(struct service_client *report);
