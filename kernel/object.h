// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Kernel objects and the capabilities that name them.
//
// A `struct mapping` is one entry of the mapping tree: a range of pages, ports or one selector in
// the space of one PD, with rights, and its place below the mapping it was delegated from. The root
// mapping of an object lies inside the object: it is the creator's capability, and the object lives
// exactly as long as that mapping. Removing a mapping takes everything derived from it along.
//
// Readers without a lock (IPC) see capability slots and objects only between kernel entry and exit;
// memory of both is released through rcu.h.
#pragma once

#include "kernel/rcu.h"
#include <tessera/tree.h>
#include <tessera/crd.h>
#include <tessera/selector.h>

enum object_type { OBJ_NONE, OBJ_PD, OBJ_EC, OBJ_SC, OBJ_PT, OBJ_SM };

enum fast { FAST_CALL = 1, FAST_UP = 2, FAST_DOWN = 4 }; // a portal, a semaphore, with that right

enum {
    MAPPING_SMALL = 1 << 6,  // found by slots (paging.h), not by in_space
    MAPPING_PINNED = 1 << 7, // a page of the kernel, outside the tree
};

struct pd;
struct object;

struct mapping {
    struct mapping *parent;
    struct pd *pd; // whose space it is in; NULL: the kernel's own
    u64 base;      // page, port or selector in that space
    u64 count;
    union {
        struct object *object;
        u64 frame; // first physical page or port
    };
    u8 kind; // enum crd_kind
    u8 rights;
    u8 attr; // memory type: ITEM_UNCACHED, ITEM_WRITE_COMBINE; MAPPING_PINNED, MAPPING_SMALL
    u8 root; // lies inside its object
    u8 fast; // object mappings: enum fast, all that the paths in entry.S want to know
    struct mapping *child;        // those derived from it, the last one first
    struct mapping *next, **link; // in that list of its parent; link is NULL in a tree instead
    union {
        struct rcu_head rcu; // CRD_OBJ
        struct {
            struct tree children;       // CRD_MEM, CRD_IO: those not in the list, by frame
            struct tree_node in_space;  // key = base
            struct tree_node in_parent; // key = frame
        };
    };
};

#define MAPPING_OBJECT_SIZE (offsetof(struct mapping, rcu) + sizeof(struct rcu_head))

struct object {
    u8 type;
    bool dying;
    struct pd *payer; // whose account holds the object's memory
    struct rcu_head rcu;
    _Alignas(8) char root_space[MAPPING_OBJECT_SIZE];
};

static inline struct mapping *object_root(struct object *object)
{
    return (struct mapping *)(void *)object->root_space;
}
static inline enum object_type mapping_type(const struct mapping *m)
{
    return m->object ? (enum object_type)m->object->type : OBJ_NONE;
}
static inline u8 mapping_fast(const struct mapping *m)
{
    if (mapping_type(m) == OBJ_PT)
        return m->rights & PT_CALL ? FAST_CALL : 0;
    if (mapping_type(m) == OBJ_SM)
        return (u8)((m->rights & SM_UP ? FAST_UP : 0) | (m->rights & SM_DOWN ? FAST_DOWN : 0));
    return 0;
}
