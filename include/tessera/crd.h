// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Capability range descriptors (CRDs): one word that names 2^order aligned pages, I/O ports or
// selectors, with rights. Used by delegate, revoke, lookup, typed items and receive windows.
//
//   bits 0–1 kind | 2–6 rights | 7–11 order | 12–63 base (page number, port or selector)
#pragma once

#include <tessera/types.h>

typedef u64 crd_t;

enum crd_kind { CRD_NULL = 0, CRD_MEM = 1, CRD_IO = 2, CRD_OBJ = 3 };

// Rights only ever shrink. What a bit means depends on the kind, and for objects on the type.
enum right {
    RIGHT_ALL = 0x1f,
    MEM_R = 1 << 0,
    MEM_W = 1 << 1,
    MEM_X = 1 << 2,
    IO_RW = 1 << 0,
    PD_CREATE =
        1
        << 0, // name it as the payer and home of create_ec, _pt, _sm; with PD_ACCOUNT of create_pd
    PD_SC = 1 << 1,      // create scheduling contexts with it (only sigma0 keeps this)
    PD_GRANT = 1 << 2,   // delegate into it, revoke from it
    PD_ACCOUNT = 1 << 3, // move kernel-memory and capability quota in and out of it
    PD_DMA = 1 << 4,     // assign devices to its DMA space
    EC_CTRL = 1 << 0,    // ec_ctrl
    EC_SC = 1 << 1,      // bind a scheduling context, ask for its CPU
    EC_PT = 1 << 2,      // bind portals
    SC_CTRL = 1 << 0,    // sc_ctrl
    SC_BUDGET = 1 << 1,  // set its budget and its priority
    PT_CTRL = 1 << 0,    // pt_ctrl
    PT_CALL = 1 << 1,    // call
    PT_EVENT = 1 << 2,   // serve as an exception portal
    SM_UP = 1 << 0,
    SM_DOWN = 1 << 1,
};

enum { CRD_ORDER_MAX = 31 };

static inline crd_t crd(enum crd_kind kind, u64 base, unsigned order, unsigned rights)
{
    return base << 12 | (u64)(order & 31) << 7 | (u64)(rights & 31) << 2 | kind;
}
static inline enum crd_kind crd_kind(crd_t c)
{
    return (enum crd_kind)(c & 3);
}
static inline unsigned crd_rights(crd_t c)
{
    return (unsigned)(c >> 2) & 31;
}
static inline unsigned crd_order(crd_t c)
{
    return (unsigned)(c >> 7) & 31;
}
static inline u64 crd_base(crd_t c)
{
    return c >> 12;
}

// Whether it names a single page, port or selector, of that kind.
static inline bool crd_single(crd_t c, enum crd_kind kind)
{
    return (c & (31u << 7 | 3)) == kind;
}

#define CRD_ALL_OBJ crd(CRD_OBJ, 0, 18, RIGHT_ALL)
#define CRD_ALL_MEM crd(CRD_MEM, 0, 31, RIGHT_ALL) // lower half of the user's addresses, 8 TiB

// A typed item in a UTCB: what is sent, and how. In a message that was received, `crd` names what
// arrived in the receiver's own terms (kind CRD_NULL: nothing did) and `how` is the sender's; but
// where a semaphore was translated, `how` is its counter, shifted (item_tag).
struct typed_item {
    crd_t crd;
    u64 how; // flags below | hotspot << 12; of objects the hotspot has 20 bits, then comes the life
};
enum { ITEM_TAG_SHIFT = 12, ITEM_LIFE_SHIFT = 32 };

enum item_flag {
    ITEM_DELEGATE = 1 << 0, // else translate: name a capability that the receiver once gave away
    ITEM_KERNEL = 1 << 1,   // from the kernel's own spaces; only the root PD may
    ITEM_UNCACHED = 1 << 2, // memory type, for device memory
    ITEM_WRITE_COMBINE = 1 << 3,
};

// A delegation of `c` that lands at `hotspot` (page number, port or selector) where the receive
// window is larger than what is sent; where it is smaller, the hotspot selects what is taken.
static inline struct typed_item item_delegate(crd_t c, u64 hotspot, unsigned flags)
{
    return (struct typed_item){c, hotspot << 12 | flags | ITEM_DELEGATE};
}
// A delegation of a single object which happens only while that is in a life of its own, and else
// brings nothing: `life` is, modulo 2^32, a semaphore's counter, or the upper half of a portal's
// identity word; 0 is any. So a reply that was written before the object's end never gives away the
// object that is named by the same semaphore or portal next (count it up or set it, then revoke
// what was given).
static inline struct typed_item item_delegate_life(crd_t c, u64 hotspot, u32 life)
{
    return item_delegate(c, hotspot | (u64)life << (ITEM_LIFE_SHIFT - ITEM_TAG_SHIFT), 0);
}
// The counter of a semaphore that was translated, modulo 2^52. Nobody changes the counter of one
// that was handed out without rights: so a server that names sessions by semaphores, and uses a
// selector again, tells by the initial counter which life of it the sender meant.
static inline u64 item_tag(struct typed_item item)
{
    return item.how >> ITEM_TAG_SHIFT;
}
static inline struct typed_item item_translate(crd_t c)
{
    return (struct typed_item){c, 0};
}
