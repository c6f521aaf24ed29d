// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The capability space against an array: capabilities put at random selectors and taken out again,
// with accounts that are sometimes too small, then the way a dying domain finds them all.
// needs: kernel/pd.c kernel/arch/x86_64/paging.c kernel/memory.c kernel/tree.c
#include "kernel/ec.h"
#include "kernel/paging.h"
#include "kernel/pd.h"
#include "kernel/ports.h"
#include "kernel/destroy.h"
#include "test/host/kernel_stubs.h"
#include <tessera/error.h>

enum { ROUNDS = 40000, CAPS = 600, KMEM = 48 * PAGE_SIZE, LIVES = 4 };

static struct pd *root;
static struct mapping *at[SEL_LIMIT];
static bool page_there[CAP_PAGES];
static unsigned count, pages;
static struct object thing = {.type = OBJ_SM};

void ports_free(struct pd *pd)
{
    (void)pd;
}
void ec_remote(struct ec *ec, u32 ops)
{
    (void)ec, (void)ops;
    abort(); // no domain here has threads
}

// Mostly within a few pages, else anywhere, now and then beyond the end.
static u64 random_selector(void)
{
    u64 kind = random_below(100);
    if (kind < 60)
        return random_below(3 * CAP_PAGE_SLOTS);
    if (kind < 98)
        return random_below(64) * (SEL_LIMIT / 64) + random_below(4);
    return kind == 98 ? SEL_LIMIT + random_below(10) : random_next() | SEL_LIMIT;
}

static u32 expected_of(const struct pd *pd, u64 sel)
{
    if (sel >= SEL_LIMIT)
        return EPARAM;
    if (at[sel])
        return EBUSY;
    if (count == pd->account.caps.limit)
        return EMEM;
    bool room = pd->account.kmem.limit - pd->account.kmem.used >= PAGE_SIZE;
    return page_there[sel / CAP_PAGE_SLOTS] || room ? SUCCESS : EMEM;
}

static void insert(struct pd *pd)
{
    u64 sel = random_selector();
    u32 expected = expected_of(pd, sel);
    struct mapping *m = calloc(1, MAPPING_OBJECT_SIZE);
    m->pd = pd;
    m->base = sel;
    m->kind = CRD_OBJ;
    m->object = &thing;
    m->rights = (u8)random_below(32);
    CHECK(cap_insert(m) == expected);
    if (expected) {
        free(m);
        return;
    }
    at[sel] = m;
    count++;
    pages += !page_there[sel / CAP_PAGE_SLOTS];
    page_there[sel / CAP_PAGE_SLOTS] = true;
}

static void take_out(u64 sel)
{
    cap_remove(at[sel]);
    free(at[sel]);
    at[sel] = NULL;
    count--;
}

static void look(const struct pd *pd, u64 sel)
{
    struct mapping *m = cap_lookup(pd, sel);
    bool there = sel < SEL_LIMIT && at[sel];
    CHECK(m == (there ? at[sel] : &null_mapping));
    unsigned rights = (unsigned)random_below(32);
    bool may = there && (at[sel]->rights & rights) == rights;
    CHECK(cap_object(pd, sel, OBJ_SM, rights) == (may ? &thing : NULL));
    CHECK(!cap_object(pd, sel, OBJ_PD, 0));
}

static void live(struct pd *pd)
{
    u64 empty = pd->account.kmem.used;
    for (unsigned round = 0; round < ROUNDS && !check_failures; round++) {
        u64 sel = random_selector();
        // For a while there is more coming than going, and then the other way round.
        if (random_below(100) < (round / 2000 % 2 ? 80 : 20))
            insert(pd);
        else if (sel < SEL_LIMIT && at[sel])
            take_out(sel);
        look(pd, sel);
        look(pd, random_selector());
        CHECK(pd->account.caps.used == count);
        CHECK(pd->account.kmem.used == empty + pages * PAGE_SIZE);
    }
}

// Each capability is found once, in order, whatever is gone meanwhile.
static void die(struct pd *pd)
{
    u64 before = 0;
    struct mapping *m;
    while ((m = pd_next_content(pd)) && !check_failures) {
        CHECK(at[m->base] == m && m->base >= before);
        before = m->base;
        if (random_below(4) || m != pd_next_content(pd))
            take_out(m->base);
    }
    CHECK(count == 0);
    pd_put(pd);
    host_release();
    pages = 0;
    for (unsigned i = 0; i < CAP_PAGES; i++)
        page_there[i] = false;
}

static void capability_space_matches_the_model(void)
{
    u32 error;
    u64 used = root->account.kmem.used, caps = root->account.caps.used, free_pages = 0;
    for (unsigned life = 0; life < LIVES; life++) {
        struct pd *pd = pd_create(root, KMEM, CAPS, &error);
        CHECK(pd);
        if (!pd)
            return;
        live(pd);
        die(pd);
        CHECK(root->account.kmem.used == used && root->account.caps.used == caps);
        if (life) // the first one leaves caches behind
            CHECK(pool_free_pages() == free_pages);
        free_pages = pool_free_pages();
    }
}

// No page for the slots, though the account would allow one.
static void empty_pool_changes_nothing(void)
{
    enum { KEPT_MAX = 16 };
    static void *taken[HOST_MEMORY / PAGE_SIZE];
    static struct mapping kept[KEPT_MAX];
    u32 error;
    unsigned n = 0, k = 0;
    struct pd *pd = pd_create(root, KMEM, CAPS, &error);
    struct mapping m = {.pd = pd, .base = 5, .kind = CRD_OBJ, .object = &thing};
    while ((taken[n] = page_alloc()))
        n++;
    // A few empty pages of slots are kept beside the pool.
    for (; k < KEPT_MAX; k++) {
        kept[k] = m;
        kept[k].base = (k + 1) * CAP_PAGE_SLOTS;
        if (cap_insert(&kept[k]))
            break;
    }
    CHECK(k < KEPT_MAX);
    struct account before = pd->account;
    CHECK(cap_insert(&m) == EMEM);
    CHECK(pd->account.kmem.used == before.kmem.used && pd->account.caps.used == before.caps.used);
    CHECK(cap_lookup(pd, 5) == &null_mapping);
    while (n)
        page_free(taken[--n]);
    CHECK(cap_insert(&m) == SUCCESS);
    cap_remove(&m);
    while (k)
        cap_remove(&kept[--k]);
    pd_put(pd);
    host_release();
}

int main(void)
{
    u32 error;
    for (unsigned i = 0; i < CAP_PAGE_SLOTS; i++)
        null_cap_page[i] = &null_mapping;
    pool_init(PAGE_SIZE, HOST_MEMORY - PAGE_SIZE);
    root = pd_create(NULL, 4 << 20, 10000, &error);
    RUN(capability_space_matches_the_model);
    RUN(empty_pool_changes_nothing);
    return check_failures != 0;
}
