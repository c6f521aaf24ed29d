// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Dataspaces (002_8bbc1eeec7f51661.txt, Dataspaces; doc/region-maps.md): RAM of any "pd" session,
// ROM modules and device memory, all as capabilities that can be attached (rm.h) and passed on.
// lib/service's dataspace_* are the same for the program's own session and for who is in the middle
// of a message; these use the calling thread's UTCB and its windows.
#pragma once

#include "lib/service/client.h"

// `bytes` of zeroed, physically contiguous RAM (rounded up to pages). *ds is a new selector.
// ERESOURCE the account or no selectors, EMEM, EPROTO 0 bytes.
MUST_CHECK error_t ds_alloc(struct service_client *pd, u64 bytes, sel_t *ds);
// Gone everywhere; by the session that allocated it. Drops the selector.
void ds_free(struct service_client *pd, sel_t ds);
// Where it is in physical memory, for DMA. EFEATURE: it is managed; ENOTFOUND.
MUST_CHECK error_t ds_phys(struct service_client *pd, sel_t ds, u64 *physical, u64 *bytes);

// Takes it from everybody, as ds_free does, but its content goes on in another one that nobody else
// has. By the session that allocated it. *ds is that one's selector then. EMEM no room for the
// copy, ENOTFOUND it is not the session's RAM: then nothing has happened; EMEM with *ds SEL_NONE:
// there was no room for the new capability, and the content is out of reach until the session ends.
MUST_CHECK error_t ds_renew(struct service_client *pd, sel_t *ds);

// What a session of "rom" or "io_mem" shows, as a dataspace: *ds is a new selector, the caller's to
// drop. It ends with the session, everywhere. ERESOURCE no selectors, EMEM no room for the
// capability.
// A module; *bytes (may be NULL) is its length, which need not fill the last page.
MUST_CHECK error_t rom_dataspace(struct service_client *rom, sel_t *ds, u64 *bytes);
// The whole pages of a range of device memory; *offset (may be NULL) is where in the first one the
// range begins.
MUST_CHECK error_t io_mem_dataspace(struct service_client *io_mem, sel_t *ds, u64 *offset);
