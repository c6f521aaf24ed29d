// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The compiled configuration as the ROM module "config", which changes (protocol.h,
// ROM_OPERATIONS).
//
// Each version has pages of its own, that are never written again: what a reader has mapped stays
// as it is. SIZE settles which version the session's next DATASPACE maps; a session keeps what it
// mapped last and what it mapped before that, so that it can compare the two. Whoever has WATCHed
// is woken when there is a newer one.
#pragma once

#include "lib/service/server.h"

// Makes a copy of a tree the module's newest version, and wakes the watchers. EMEM: it stays as it
// is.
MUST_CHECK error_t module_publish(const void *tree, size_t size);

// For the service "rom".
extern const struct server_ops module_ops;
