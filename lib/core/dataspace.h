// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// RAM dataspaces of any "pd" session (002_8bbc1eeec7f51661.txt, Dataspaces; doc/region-maps.md).
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
