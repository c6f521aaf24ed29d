// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Protection domains and their capability spaces (pd.h).
#include "kernel/pd.h"
#include "kernel/destroy.h"
#include "kernel/ec.h"
#include "kernel/paging.h"
#include "kernel/ports.h"
#include <tessera/error.h>

struct pd *root_pd;
struct mapping null_mapping = {.kind = CRD_OBJ};
struct mapping *null_cap_page[CAP_PAGE_SLOTS];
static struct cache pd_cache = CACHE(sizeof(struct pd), "protection domain");

void pd_get(struct pd *pd)
{
    __atomic_fetch_add(&pd->refs, 1, __ATOMIC_RELAXED);
}

// Empty pages of capability spaces: directories full of null_cap_page, pages of slots full of
// null_mapping. A few are kept, since filling them costs more than all else in a PD's life.
enum { KEPT = 8 };
struct empty_pages {
    struct spinlock lock;
    unsigned count;
    void *filler;
    void **kept[KEPT];
};
static struct empty_pages directories = {.filler = null_cap_page},
                          slots = {.filler = &null_mapping};

static __attribute__((noinline)) void *empty_alloc(struct empty_pages *empty)
{
    void **page = NULL;
    spin_lock(&empty->lock);
    if (empty->count)
        page = empty->kept[--empty->count];
    spin_unlock(&empty->lock);
    if (page)
        return page;
    page = page_alloc();
    for (unsigned i = 0; page && i < PAGE_SIZE / sizeof(*page); i++)
        page[i] = empty->filler;
    return page;
}

static void empty_free(struct empty_pages *empty, void *page)
{
    spin_lock(&empty->lock);
    bool keep = empty->count < KEPT;
    if (keep)
        empty->kept[empty->count++] = page;
    spin_unlock(&empty->lock);
    if (!keep)
        page_free(page);
}

static void pd_release(struct rcu_head *head)
{
    struct pd *pd = CONTAINER_OF(head, struct pd, object.rcu);
    for (unsigned word = 0; word < CAP_PAGES / 64; word++) {
        for (u64 bits = pd->cap_pages[word]; bits; bits &= bits - 1) {
            unsigned i = word * 64 + (unsigned)__builtin_ctzl(bits);
            account_refund(&pd->account.kmem, PAGE_SIZE);
            empty_free(&slots, pd->caps[i]);
            pd->caps[i] = null_cap_page;
        }
    }
    empty_free(&directories, pd->caps);
    ports_free(pd);
    space_destroy(pd);
    struct pd *payer = pd->object.payer;
    if (payer) {
        account_refund(&payer->account.kmem, pd_cache.size + PAGE_SIZE);
        account_raise(&payer->account.kmem, pd->account.kmem.limit);
        account_raise(&payer->account.caps, pd->account.caps.limit);
    }
    cache_free(&pd_cache, pd);
    if (payer)
        pd_put(payer);
}

void pd_put(struct pd *pd)
{
    if (__atomic_sub_fetch(&pd->refs, 1, __ATOMIC_ACQ_REL) == 0)
        rcu_defer(&pd->object.rcu, pd_release);
}

static struct pd *pd_alloc(struct pd *payer)
{
    struct pd *pd = cache_alloc(&pd_cache);
    if (!pd)
        return NULL;
    __builtin_memset(pd, 0, sizeof(*pd));
    pd->refs = 1;
    pd->object.type = OBJ_PD;
    pd->object.payer = payer;
    pd->caps = empty_alloc(&directories);
    if (!pd->caps) {
        cache_free(&pd_cache, pd);
        return NULL;
    }
    return pd;
}

struct pd *pd_create(struct pd *payer, u64 kmem_bytes, u64 caps, u32 *error)
{
    *error = EMEM;
    u64 own = pd_cache.size + PAGE_SIZE;
    if (payer && !account_charge(&payer->account.kmem, own))
        return NULL;
    struct pd *pd = pd_alloc(payer);
    if (!pd)
        goto refund;
    if (payer && !account_trade(&payer->account, &pd->account, caps, kmem_bytes))
        goto free_pd;
    pd->account.kmem.limit = kmem_bytes;
    pd->account.caps.limit = caps;
    pd->account.kmem.most = kmem_bytes < PAGE_SIZE ? kmem_bytes : PAGE_SIZE; // what any takes
    pd->account.caps.most = caps < FIRST_CAPS ? caps : FIRST_CAPS;
    if (!space_create(pd))
        goto give_back;
    if (payer)
        pd_get(payer);
    *error = SUCCESS;
    return pd;

give_back:
    if (payer)
        account_trade(&pd->account, &payer->account, caps, kmem_bytes);
free_pd:
    empty_free(&directories, pd->caps);
    cache_free(&pd_cache, pd);
refund:
    if (payer)
        account_refund(&payer->account.kmem, own);
    return NULL;
}

// Slots live in pages that are made when the first capability comes and stay until the PD goes:
// readers without a lock never see one vanish.
u32 cap_insert(struct mapping *m)
{
    struct pd *pd = m->pd;
    if (m->base >= SEL_LIMIT)
        return EPARAM;
    struct mapping ***slot_page = &pd->caps[m->base / CAP_PAGE_SLOTS];
    if (*slot_page != null_cap_page && (*slot_page)[m->base % CAP_PAGE_SLOTS] != &null_mapping)
        return EBUSY;
    if (!account_charge(&pd->account.caps, 1))
        return EMEM;
    if (*slot_page == null_cap_page) {
        if (!account_charge(&pd->account.kmem, PAGE_SIZE))
            goto refund;
        struct mapping **page = empty_alloc(&slots);
        if (!page) {
            account_refund(&pd->account.kmem, PAGE_SIZE);
            goto refund;
        }
        u64 index = m->base / CAP_PAGE_SLOTS;
        pd->cap_pages[index / 64] |= 1ul << index % 64;
        __atomic_store_n(slot_page, page, __ATOMIC_RELEASE);
    }
    __atomic_store_n(&(*slot_page)[m->base % CAP_PAGE_SLOTS], m, __ATOMIC_RELEASE);
    return SUCCESS;
refund:
    account_refund(&pd->account.caps, 1);
    return EMEM;
}

void cap_remove(struct mapping *m)
{
    struct mapping **page = m->pd->caps[m->base / CAP_PAGE_SLOTS];
    __atomic_store_n(&page[m->base % CAP_PAGE_SLOTS], &null_mapping, __ATOMIC_RELEASE);
    account_refund(&m->pd->account.caps, 1);
}

// The capability at or behind caps_hint. Only pages that were ever used are looked at, and none
// once the account says that all are gone.
static struct mapping *next_capability(struct pd *pd)
{
    while (pd->account.caps.used && pd->caps_hint < SEL_LIMIT) {
        u32 page = pd->caps_hint / CAP_PAGE_SLOTS;
        u64 used = pd->cap_pages[page / 64] >> page % 64;
        if (!(used & 1)) {
            u32 skip = used ? (u32)__builtin_ctzl(used) : 64 - page % 64;
            pd->caps_hint = (page + skip) * CAP_PAGE_SLOTS;
            continue;
        }
        struct mapping *const *slot = pd->caps[page], *const *end = slot + CAP_PAGE_SLOTS;
        slot += pd->caps_hint % CAP_PAGE_SLOTS;
        while (slot < end && *slot == &null_mapping)
            slot++;
        pd->caps_hint = (u32)(page * CAP_PAGE_SLOTS + (slot - pd->caps[page]));
        if (slot < end)
            return *slot;
    }
    return NULL;
}

struct mapping *pd_next_content(struct pd *pd)
{
    pd->object.dying = true;
    while (pd->ecs) {
        struct ec *ec = pd->ecs;
        pd->ecs = ec->pd_next;
        if (pd->ecs)
            pd->ecs->pd_link = &pd->ecs;
        ec->pd_link = NULL;
        ec_remote(ec, REMOTE_KILL);
    }
    struct mapping *m = next_capability(pd);
    if (m)
        return m;
    // A UTCB's pinned page is not in the mapping tree; it goes with its EC.
    for (struct tree_node *node = tree_first(&pd->memory); node; node = tree_next(node)) {
        m = CONTAINER_OF(node, struct mapping, in_space);
        if (m->parent)
            return m;
    }
    struct tree_node *port = tree_first(&pd->ports);
    if (port)
        return CONTAINER_OF(port, struct mapping, in_space);
    // What is still mapped is small, or pinned.
    u64 page = pd->pages_hint;
    for (; (page = space_first(pd, page, USER_END / PAGE_SIZE)) != SPACE_NONE; page++) {
        pd->pages_hint = page;
        if ((m = space_owner(pd, page)))
            return m;
    }
    pd->pages_hint = USER_END / PAGE_SIZE;
    return NULL;
}
