// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Objects that clients name by capability: dataspaces, region maps, domains, threads. The
// capability is a semaphore of sigma0's that exists only as an identity; who holds it may name the
// object in a request (a translated item), on any session. Finding one is a table access by
// selector, and takes one of many locks for a moment.
//
// An object lives while somebody refers to it. Withdrawing it takes its name from everybody at
// once; its memory goes with the last reference. Its semaphore names another object soon (a few
// rest, on a shelf of each CPU): the counter tells which life of it is meant. A request that began
// before the object went has the old one and finds nothing; a reply that was written before, and
// gives the name away, names the life too, and the kernel gives nothing then. Clients get the
// semaphore without rights, so nobody else changes the counter.
#pragma once

#include "lib/rt/hypercall.h"

enum named_type {
    NAMED_DATASPACE = 1,
    NAMED_REGION_MAP,
    NAMED_DOMAIN,
    NAMED_THREAD,
    NAMED_PD, // a domain's second entry, by the kernel's object: for sigma0 alone, no client names
              // it
};

enum { NAMED_SEL_BITS = 20 }; // of a word that names an object
_Static_assert(SEL_LIMIT <= 1u << NAMED_SEL_BITS, "a selector fits into a word's low bits");

struct named {
    sel_t sel;
    u32 refs; // atomic
    u64 life; // which of its selector: the semaphore's counter << ITEM_TAG_SHIFT | type
    void (*release)(struct named *named); // frees it
};

// Names an object that its maker has zeroed, with one reference, the maker's. EMEM, ERESOURCE (no
// selector): then nothing happened.
MUST_CHECK error_t named_create(struct named *named, enum named_type type,
                                void (*release)(struct named *named));
// The same at a selector that the object has already: it is entered there without a semaphore.
MUST_CHECK error_t named_enter(struct named *named, sel_t sel, enum named_type type,
                               void (*release)(struct named *named));
// The object that an item names, with a reference; NULL: nothing of that type.
struct named *named_find(struct typed_item name, enum named_type type);
// Likewise by named_word.
struct named *named_find_word(word_t name, enum named_type type);
// What names it where the kernel hands a word of ours back: the identity of a portal, a thread's
// tag.
static inline word_t named_word(const struct named *named)
{
    return named->life >> ITEM_TAG_SHIFT << NAMED_SEL_BITS | named->sel;
}
static inline void named_get(struct named *named)
{
    __atomic_fetch_add(&named->refs, 1, __ATOMIC_RELAXED);
}
void named_put(struct named *named);
// Takes the name away. False if somebody did before. The maker's reference stays with the caller of
// the one call that succeeds.
MUST_CHECK bool named_withdraw(struct named *named);
// Likewise of what was entered; the selector stays.
MUST_CHECK bool named_leave(struct named *named);
// Destroys the semaphores that rest, for the slots and the kernel memory that they take; false:
// there were none. They are at sigma0's own cost.
bool named_drain(void);
// What a client gets.
static inline struct typed_item named_item(const struct named *named, unsigned hotspot)
{
    return item_delegate_life(crd(CRD_OBJ, named->sel, 0, 0), hotspot,
                              (u32)(named->life >> ITEM_TAG_SHIFT));
}
