// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Protection domains: a memory space (page table), an I/O port space (bitmap) and a capability
// space, with the account that pays for them.
//
// Life: created by create_pd; `refs` counts the root capability, the ECs in it and every object and
// mapping charged to its account. Revoking the root capability makes it dying: its ECs are killed,
// its spaces emptied step by step (pd_next_content), then the reference goes; the last one frees
// the page tables.
#pragma once

#include "kernel/memory.h"
#include "kernel/object.h"

enum { CAP_PAGE_SLOTS = 512, CAP_PAGES = SEL_LIMIT / CAP_PAGE_SLOTS };

struct ec;

struct leaf {
    u64 region; // of 512 pages; one that does not exist: none
    u64 *table;
    struct table_use *use;
};

struct pd {
    struct object object;
    u64 refs;
    u64 cr3; // page table, address-space tag, no-flush bit: what is written to CR3
    u64 *page_table;
    struct mapping ***caps; // CAP_PAGES pointers to pages of slots; empty ones share null_cap_page
    u32 cpu_mask;           // CPUs that may hold translations of it
    struct spinlock lock;   // mapping_lock.h
    struct tree memory;     // by first page: what is not small (paging.h)
    struct tree ports;
    struct mapping *recent; // of `memory`: where the last search ended, or NULL
    struct leaf leaf;       // the leaf table last used (paging.c)
    u8 *port_bitmap[2];     // NULL: no ports; 1 = denied
    u64 port_version;
    struct ec *ecs;                // all ECs in it, under mapping_lock
    u64 cap_pages[CAP_PAGES / 64]; // which of `caps` are its own
    u32 caps_hint;                 // selectors below this one are gone (dismantling)
    u64 pages_hint;                // small mappings below this page are gone (dismantling)
    struct account account;
};

extern struct pd *root_pd;
extern struct mapping null_mapping; // what an empty slot points to
extern struct mapping *null_cap_page[CAP_PAGE_SLOTS];

// Makes a PD whose memory is charged to `payer` (NULL: the root PD) and which gets limits from
// payer's account. Returns NULL and sets *error: EMEM.
struct pd *pd_create(struct pd *payer, u64 kmem_bytes, u64 caps, u32 *error);
void pd_get(struct pd *pd);
void pd_put(struct pd *pd);

// The mapping at a selector: never NULL, null_mapping where the slot is empty or out of range.
// Lock-free.
static inline struct mapping *cap_lookup(const struct pd *pd, u64 sel)
{
    if (UNLIKELY(sel >= SEL_LIMIT))
        return &null_mapping;
    return __atomic_load_n(&pd->caps[sel / CAP_PAGE_SLOTS][sel % CAP_PAGE_SLOTS], __ATOMIC_ACQUIRE);
}
// The object of `type` at a selector with all of `rights`, or NULL.
static inline void *cap_object(const struct pd *pd, u64 sel, enum object_type type, unsigned rights)
{
    struct mapping *m = cap_lookup(pd, sel);
    if (UNLIKELY(!m->object || m->object->type != type || (m->rights & rights) != rights))
        return NULL;
    return m->object;
}
// Puts a mapping into its empty slot (mapping->pd, ->base), under mapping_lock; charges the slot
// and, if needed, its page to the PD. EMEM, EBUSY, EPARAM.
MUST_CHECK u32 cap_insert(struct mapping *mapping);
void cap_remove(struct mapping *mapping);
