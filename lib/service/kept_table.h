// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Records of one size under numbers (a server's: the numbers of its sessions), in memory that
// outlives the program (keep.h). Whoever is killed in the middle of a change leaves the record as
// it was before or as it was to become, and all others as they are: the new text of a record goes
// beside the old one, and one word says which of the two counts.
//
// Nothing in the memory is trusted to be an address or an index. Memory that holds no such table,
// or one of another shape, begins as an empty one. A search looks at all records. Threads that
// share a table bring their own lock.
#pragma once

#include <tessera/error.h>
#include <tessera/types.h>

struct kept_table {
    void *memory;
    size_t record_bytes, slot_bytes, count;
};

// The memory for `count` records of `record_bytes`.
size_t kept_table_bytes(size_t record_bytes, size_t count);
// Takes as many records as there is room for in `memory`, of `bytes`, aligned to 8. True if it
// holds a table of that shape from before; else it is made empty.
bool kept_table_open(struct kept_table *table, void *memory, size_t bytes, size_t record_bytes);
// What stands under a number (> 0); NULL if nothing. Changes of other records leave it alone, one
// of this record makes another place of it.
const void *kept_table_find(const struct kept_table *table, u64 number);
// Puts a copy of `record` under a number, in place of what stands there. ERESOURCE: it is full;
// EPARAM: the number is 0.
MUST_CHECK error_t kept_table_put(struct kept_table *table, u64 number, const void *record);
void kept_table_remove(struct kept_table *table, u64 number);
// The numbers in use, one a call: *position is 0 at first. 0: no more.
u64 kept_table_next(const struct kept_table *table, size_t *position);
