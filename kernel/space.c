// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What is where in a PD's memory and ports (mapping.h): small mappings of memory by slots beside
// page-table entries, all else by an interval tree. What is mapped and not in the tree is small.
#include "kernel/mapping.h"
#include "kernel/paging.h"

static struct mapping *of_node(struct tree_node *node)
{
    return node ? CONTAINER_OF(node, struct mapping, in_space) : NULL;
}

static struct mapping *memory_overlap(struct pd *pd, u64 first, u64 last)
{
    struct mapping *m = pd->recent;
    if (m && m->in_space.key <= first && first <= m->in_space.last)
        return m;
    struct mapping *small = first == last ? space_owner(pd, first) : NULL;
    if (small)
        return small;
    m = of_node(tree_overlap_disjoint(&pd->memory, first, last));
    if (m)
        pd->recent = m;
    if (first == last || (m && m->base <= first))
        return m;
    u64 page = space_first(pd, first, m ? m->base - 1 : last);
    return page == SPACE_NONE ? m : space_owner(pd, page);
}

struct mapping *space_overlap(struct pd *pd, enum crd_kind kind, u64 first, u64 last)
{
    if (LIKELY(kind == CRD_MEM))
        return memory_overlap(pd, first, last);
    return of_node(tree_overlap_disjoint(&pd->ports, first, last));
}

struct mapping *mapping_find(struct pd *pd, enum crd_kind kind, u64 base)
{
    return space_overlap(pd, kind, base, base);
}

static struct tree *tree_of(struct mapping *m)
{
    return m->kind == CRD_MEM ? &m->pd->memory : &m->pd->ports;
}

void space_link(struct mapping *m)
{
    m->in_space.key = m->base;
    m->in_space.last = mapping_last(m);
    tree_insert(tree_of(m), &m->in_space);
}

void space_unlink(struct mapping *m)
{
    if (m->pd->recent == m)
        m->pd->recent = NULL;
    tree_remove(tree_of(m), &m->in_space);
}
