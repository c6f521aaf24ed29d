// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The mapping tree, driven at random by typed items and revocations between four domains, against a
// model that knows for every single page, port and selector what it was derived from. The page
// tables must agree; what does not fit an account changes nothing but what was done before; at the
// end all memory is back.
// needs: kernel/mapping.c kernel/children.c kernel/space.c kernel/revoke.c
// needs: kernel/delegate.c kernel/pd.c kernel/arch/x86_64/paging.c kernel/memory.c kernel/tree.c
#include "kernel/delegate.h"
#include "kernel/destroy.h"
#include "kernel/gsi.h"
#include "kernel/paging.h"
#include "kernel/ports.h"
#include "kernel/revoke.h"
#include "kernel/sm.h"
#include "test/host/kernel_stubs.h"
#include <tessera/error.h>
#include <tessera/hip.h>

enum { PDS = 4, PLACES = 1536, ROUNDS = 6000, KINDS = 3 };

static struct pd *pds[PDS];
static struct ec sender;
static struct utcb utcb;
static struct sm origin; // the object that all selectors name
static unsigned destroyed;
static u64 root_used;                      // of the root domain, for the others
static unsigned straight, together, alone; // steps of revocations

// One place of a space: what it names, with which rights, and where it came from.
struct place {
    bool there;
    u64 what; // frame or port; 0 for selectors
    unsigned rights;
    struct place *parent;           // NULL: the kernel's own
    unsigned serial, parent_serial; // lives of a place
};
static struct place model[KINDS][PDS][PLACES];
static unsigned serials;

struct mapping *gsi_mapping(u64 gsi)
{
    return gsi == 0 ? object_root(&origin.object) : NULL;
}
bool memory_is_kernels(u64 frame, u64 count)
{
    return frame < 16 && count; // as if the image were there
}
void object_destroy(struct object *object, struct tlb_batch *batch)
{
    (void)object, (void)batch;
    destroyed++;
}
void ec_remote(struct ec *ec, u32 ops)
{
    (void)ec, (void)ops;
    abort(); // no domain here has threads
}

static bool port_allowed[PDS][1 << 16];
static unsigned index_of(const struct pd *pd)
{
    for (unsigned i = 0; i < PDS; i++) {
        if (pds[i] == pd)
            return i;
    }
    abort();
}
bool ports_allow(struct pd *pd, u64 first, u64 count)
{
    for (u64 i = 0; i < count; i++)
        port_allowed[index_of(pd)][first + i] = true;
    return true;
}
void ports_deny(struct pd *pd, u64 first, u64 count, struct tlb_batch *batch)
{
    (void)batch;
    for (u64 i = 0; i < count; i++)
        port_allowed[index_of(pd)][first + i] = false;
}
void ports_free(struct pd *pd)
{
    (void)pd;
}

static bool alive(const struct place *p)
{
    return !p->parent || (p->parent->there && p->parent->serial == p->parent_serial);
}

// Takes away all that has lost its origin.
static void model_sweep(enum crd_kind kind)
{
    for (bool again = true; again;) {
        again = false;
        for (unsigned d = 0; d < PDS; d++) {
            for (unsigned i = 0; i < PLACES; i++) {
                struct place *p = &model[kind - 1][d][i];
                if (p->there && !alive(p)) {
                    p->there = false;
                    again = true;
                }
            }
        }
    }
}

static u64 pte(struct pd *pd, u64 page)
{
    u64 *table = pd->page_table;
    for (unsigned level = 3;; level--) {
        u64 entry = table[page >> (9 * level) & 511];
        if (!(entry & 1) || level == 0)
            return entry & 1 ? entry : 0;
        if (entry & 128)
            return (entry & ~128ul) + (page & 511) * PAGE_SIZE;
        table = phys_to_virt(entry & 0x000ffffffffff000);
    }
}

// What the kernel has at a place: its mapping, or NULL.
static struct mapping *real(enum crd_kind kind, unsigned d, u64 i)
{
    if (kind != CRD_OBJ)
        return mapping_find(pds[d], kind, i);
    struct mapping *m = cap_lookup(pds[d], i);
    return m == &null_mapping ? NULL : m;
}

static void check_place(enum crd_kind kind, unsigned d, u64 i)
{
    const struct place *p = &model[kind - 1][d][i];
    struct mapping *m = real(kind, d, i);
    CHECK(!m == !p->there);
    if (kind == CRD_MEM) {
        u64 entry = pte(pds[d], i);
        CHECK(!entry == !p->there);
        CHECK(!entry || (entry & 0x000ffffffffff000) / PAGE_SIZE == p->what);
        CHECK(!entry || !(entry & 2) == !(p->rights & MEM_W));
    }
    if (kind == CRD_IO)
        CHECK(port_allowed[d][i] == p->there);
    if (!m || !p->there)
        return;
    CHECK(m->rights == p->rights && m->pd == pds[d]);
    CHECK(kind == CRD_OBJ ? m->object == &origin.object : m->frame + (i - m->base) == p->what);
}

static void check_all(void)
{
    for (unsigned kind = CRD_MEM; kind <= KINDS; kind++) {
        for (unsigned d = 0; d < PDS; d++) {
            for (u64 i = 0; i < PLACES && !check_failures; i++)
                check_place((enum crd_kind)kind, d, i);
        }
    }
}

// The model's part of a delegation: place after place until one is occupied; the kernel goes by
// pieces, so after an error what it did not do is taken over from it.
static void model_delegate(enum crd_kind kind, unsigned from, unsigned to, u64 source, u64 target,
                           u64 count, unsigned rights, bool kernel, u32 error)
{
    bool any = false, blocked = false;
    for (u64 i = 0; i < count; i++) {
        struct place *s = kernel ? NULL : &model[kind - 1][from][source + i],
                     *t = &model[kind - 1][to][target + i];
        if (s && !s->there)
            continue;
        if (kernel && kind == CRD_OBJ && source + i != 0)
            continue;
        blocked = blocked || t->there;
        if (error && (t->there || !real(kind, to, target + i)))
            continue;
        CHECK(!t->there);
        *t = (struct place){true,
                            kind == CRD_OBJ ? 0
                            : s             ? s->what
                                            : source + i,
                            rights & (s ? s->rights : RIGHT_ALL),
                            s,
                            ++serials,
                            s ? s->serial : 0};
        any = true;
    }
    CHECK(error != EBUSY || blocked ||
          (from == to && source < target + count && target < source + count));
    CHECK(error || any);
}

static void random_delegate(void)
{
    enum crd_kind kind = (enum crd_kind)(1 + random_below(KINDS));
    unsigned from = (unsigned)random_below(PDS), to = (unsigned)random_below(PDS);
    unsigned order = random_below(6) ? (unsigned)random_below(6) : 9 + (unsigned)random_below(2);
    order = random_below(2) ? order : 0;
    unsigned rights = (unsigned)random_below(RIGHT_ALL + 1);
    bool kernel = from == 0 && random_below(4) == 0;
    u64 count = 1ul << order;
    u64 source = ALIGN_DOWN(random_below(PLACES - count + 1), count),
        target = ALIGN_DOWN(random_below(PLACES - count + 1), count);
    if (kind != CRD_OBJ)
        rights |= 1;
    u64 limit = pds[to]->account.kmem.limit;
    if (random_below(8) == 0)
        pds[to]->account.kmem.limit = pds[to]->account.kmem.used + random_below(8) * 64;
    if (pds[to]->account.kmem.most > pds[to]->account.kmem.limit)
        pds[to]->account.kmem.most = pds[to]->account.kmem.limit;
    sender.pd = pds[from];
    *utcb_item(&utcb, 0) =
        item_delegate(crd(kind, source, order, rights), target, kernel ? ITEM_KERNEL : 0);
    u64 done = 0;
    bool partly;
    bool page = delegate_page(&sender, pds[to]);
    u32 error = page ? SUCCESS : delegate_bulk(&sender, pds[to], 1, &done, &partly);
    CHECK(page || done == !error);
    CHECK(!page || (kind == CRD_MEM && order == 0 && !kernel));
    CHECK(error == SUCCESS || error == ECAP || error == EBUSY || error == EMEM || error == EPARAM);
    CHECK(error != EMEM || pds[to]->account.kmem.limit < limit);
    CHECK(!kernel || kind != CRD_MEM || source >= 16 || error);
    pds[to]->account.kmem.limit = limit;
    model_delegate(kind, from, to, source, target, count, rights, kernel, error);
}

// What sys_revoke does: in a straight line or together where that is possible, else alone.
static u32 revoke_all(unsigned d, enum crd_kind kind, u64 base, u64 last, bool self)
{
    if (base == last && ((kind == CRD_MEM && revoke_page(pds[d], base, self)) ||
                         (kind == CRD_OBJ && revoke_capability(pds[d], base, self)))) {
        straight++;
        return SUCCESS;
    }
    struct revocation r = {pds[d], kind, self, base, last, base};
    struct tlb_batch batch = {0};
    u32 error = SUCCESS;
    unsigned steps = 0;
    for (bool more = true; more;) {
        mapping_enter(pds[d]);
        enum revoke_result step = revoke_together(&r, &batch);
        mapping_leave(pds[d]);
        more = step != REVOKE_DONE;
        together += step != REVOKE_ALONE;
        if (step == REVOKE_ALONE) {
            mapping_lock();
            more = revoke_step(&r, &batch, &error);
            mapping_unlock();
            alone++;
        }
        CHECK(++steps < 100000);
        tlb_flush(&batch);
    }
    return error;
}

static void random_revoke(void)
{
    enum crd_kind kind = (enum crd_kind)(1 + random_below(KINDS));
    unsigned d = (unsigned)random_below(PDS),
             order = random_below(6) ? (unsigned)random_below(7) : 9;
    order = random_below(2) ? order : 0;
    u64 count = 1ul << order, base = ALIGN_DOWN(random_below(PLACES - count + 1), count);
    bool self = random_below(2);
    CHECK(revoke_all(d, kind, base, base + count - 1, self) == SUCCESS);
    host_release();
    for (u64 i = base; i < base + count; i++) {
        struct place *p = &model[kind - 1][d][i];
        if (p->there && self)
            p->there = false;
        else if (p->there) // a new life, so that its children have lost their origin
            p->serial = ++serials;
        if (p->there && p->parent && !self)
            continue;
    }
    model_sweep(kind);
}

static u64 used_by_tree(void)
{
    u64 used = 0;
    for (unsigned d = 0; d < PDS; d++)
        used += pds[d]->account.caps.used;
    return used;
}

static void delegations_match_the_model(void)
{
    for (unsigned round = 0; round < ROUNDS && !check_failures; round++) {
        random_below(3) ? random_delegate() : random_revoke();
        if (round % 16 == 0)
            check_all();
    }
    check_all();
    CHECK(destroyed == 0);
    // All ways were gone.
    CHECK(straight > ROUNDS / 50 && together > ROUNDS / 10 && alone > ROUNDS / 100);
}

// An empty account cannot split: the revocation says so and takes nothing away.
static void split_without_memory_changes_nothing(void)
{
    u64 done = 0;
    bool partly;
    sender.pd = pds[0];
    *utcb_item(&utcb, 0) = item_delegate(crd(CRD_MEM, 512, 4, RIGHT_ALL), 512, ITEM_KERNEL);
    CHECK(delegate_bulk(&sender, pds[1], 1, &done, &partly) == SUCCESS);
    u64 limit = pds[1]->account.kmem.limit;
    pds[1]->account.kmem.limit = pds[1]->account.kmem.most = pds[1]->account.kmem.used;
    CHECK(revoke_all(1, CRD_MEM, 515, 515, true) == EMEM);
    for (u64 i = 512; i < 528; i++)
        CHECK(pte(pds[1], i) && mapping_find(pds[1], CRD_MEM, i));
    pds[1]->account.kmem.limit = limit;
    CHECK(revoke_all(1, CRD_MEM, 512, 527, true) == SUCCESS && !pte(pds[1], 515));
}

static void revoke_everything(void)
{
    for (unsigned kind = CRD_MEM; kind <= KINDS; kind++) {
        for (unsigned d = 0; d < PDS; d++) {
            CHECK(revoke_all(d, (enum crd_kind)kind, 0, PLACES - 1, true) == SUCCESS);
        }
    }
    host_release();
    for (unsigned kind = 0; kind < KINDS; kind++) {
        for (unsigned d = 0; d < PDS; d++) {
            for (unsigned i = 0; i < PLACES; i++)
                model[kind][d][i].there = false;
        }
    }
}

// Nothing is left but page tables' roots and pages of slots, which stay until the domain goes.
static void everything_comes_back(void)
{
    revoke_everything();
    check_all();
    CHECK(used_by_tree() == 0);
    CHECK(range_cache.objects == 0 && object_mapping_cache.objects == 0);
    for (unsigned d = 0; d < PDS; d++) {
        u64 pages = 1;
        for (unsigned w = 0; w < CAP_PAGES / 64; w++)
            pages += (unsigned)__builtin_popcountl(pds[d]->cap_pages[w]);
        CHECK(pds[d]->account.kmem.used == pages * PAGE_SIZE + (d == 0 ? root_used : 0));
    }
}

int main(void)
{
    pool_init(PAGE_SIZE, HOST_MEMORY - PAGE_SIZE);
    cpu_features = HIP_NX;
    origin.object.type = OBJ_SM;
    struct mapping *m = object_root(&origin.object);
    m->object = &origin.object;
    m->kind = CRD_OBJ;
    m->rights = RIGHT_ALL;
    m->root = 1;
    sender.utcb = &utcb;
    for (unsigned i = 0; i < CAP_PAGE_SLOTS; i++)
        null_cap_page[i] = &null_mapping;
    for (unsigned d = 0; d < PDS; d++) {
        u32 error;
        pds[d] = pd_create(d ? pds[0] : NULL, d ? 1 << 20 : 6 << 20, d ? 10000 : 40000, &error);
        CHECK(pds[d] && !error);
    }
    root_pd = pds[0];
    root_used = pds[0]->account.kmem.used - PAGE_SIZE;
    host_refuses = true;
    RUN(delegations_match_the_model);
    revoke_everything();
    RUN(split_without_memory_changes_nothing);
    RUN(everything_comes_back);
    return check_failures != 0;
}
