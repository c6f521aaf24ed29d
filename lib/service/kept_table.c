// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Records that survive (kept_table.h). Stores of one thread are seen in their order by who comes
// after it, so the word that makes a change count only has to be written last.
#include "lib/service/kept_table.h"
#include "lib/rt/string.h"

#define TABLE_MAGIC 0x656c626174706b01ul // the version of this layout in the lowest byte

struct header {
    u64 magic, record_bytes, count, unused;
};

struct slot {
    u64 number;  // 0: free
    u64 current; // which copy counts
    u8 copies[];
};

static size_t copy_bytes(size_t record_bytes)
{
    return ALIGN_UP(record_bytes, sizeof(u64));
}

static size_t slot_bytes(size_t record_bytes)
{
    return sizeof(struct slot) + 2 * copy_bytes(record_bytes);
}

static struct slot *slot_at(const struct kept_table *t, size_t index)
{
    return (struct slot *)(void *)((u8 *)t->memory + sizeof(struct header) + index * t->slot_bytes);
}

static u8 *copy_of(const struct kept_table *t, struct slot *slot, u64 which)
{
    return slot->copies + (which & 1) * copy_bytes(t->record_bytes);
}

static void store(u64 *word, u64 value)
{
    __atomic_store_n(word, value, __ATOMIC_RELEASE); // after all that was written before
}

size_t kept_table_bytes(size_t record_bytes, size_t count)
{
    return sizeof(struct header) + count * slot_bytes(record_bytes);
}

bool kept_table_open(struct kept_table *t, void *memory, size_t bytes, size_t record_bytes)
{
    struct header *header = memory;
    *t = (struct kept_table){memory, record_bytes, slot_bytes(record_bytes), 0};
    if (bytes < sizeof(*header))
        return false;
    t->count = (bytes - sizeof(*header)) / t->slot_bytes;
    if (header->magic == TABLE_MAGIC && header->record_bytes == record_bytes &&
        header->count == t->count)
        return true;
    store(&header->magic, 0);
    for (size_t i = 0; i < t->count; i++)
        slot_at(t, i)->number = 0;
    header->record_bytes = record_bytes;
    header->count = t->count;
    store(&header->magic, TABLE_MAGIC);
    return false;
}

static struct slot *slot_of(const struct kept_table *t, u64 number)
{
    for (size_t i = 0; i < t->count; i++) {
        if (slot_at(t, i)->number == number)
            return slot_at(t, i);
    }
    return NULL;
}

const void *kept_table_find(const struct kept_table *t, u64 number)
{
    struct slot *slot = number ? slot_of(t, number) : NULL;
    return slot ? copy_of(t, slot, slot->current) : NULL;
}

error_t kept_table_put(struct kept_table *t, u64 number, const void *record)
{
    if (!number)
        return EPARAM;
    struct slot *slot = slot_of(t, number), *fresh = slot ? NULL : slot_of(t, 0);
    if (slot) {
        u64 other = ~slot->current & 1;
        memcpy(copy_of(t, slot, other), record, t->record_bytes);
        store(&slot->current, other);
    } else if (fresh) {
        memcpy(copy_of(t, fresh, 0), record, t->record_bytes);
        fresh->current = 0;
        store(&fresh->number, number);
    }
    return slot || fresh ? SUCCESS : ERESOURCE;
}

void kept_table_remove(struct kept_table *t, u64 number)
{
    struct slot *slot = number ? slot_of(t, number) : NULL;
    if (slot)
        store(&slot->number, 0);
}

u64 kept_table_next(const struct kept_table *t, size_t *position)
{
    while (*position < t->count) {
        u64 number = slot_at(t, (*position)++)->number;
        if (number)
            return number;
    }
    return 0;
}
