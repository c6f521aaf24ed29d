// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Delegation and revocation on all CPUs at once: domains that give each other pages, ranges and
// capabilities, pass on what they got, and take back what they gave, while the root program takes
// their own away. Whatever the order was, when what it all came from is revoked nothing is left.
#include "test/system/kernel/support.h"

enum {
    DOMAINS_MAX = 4,
    ROUNDS = 30000,
    PAGES = 8,   // single pages of its own
    BLOCK = 6,   // order of one range of its own
    INBOX = 128, // pages where others put something; the upper half is for large ranges
    CAPS = 16,   // selectors likewise
    HOME = 0x300000,
    HOME_BLOCK = 0x300200,
    HOME_INBOX = 0x300400,
    SEL_OTHERS = 0x100, // the domains
    SEL_OWN = 0x140,    // a capability of its own
    SEL_INBOX = 0x150,
};

static struct domain {
    sel_t pd, sm;
    u64 pages, block; // in the root program
    struct thread thread;
    volatile u64 bad, done;
} domains[DOMAINS_MAX];
static unsigned domain_count;
static sel_t begin;

static u64 next(u64 *state, u64 limit)
{
    *state = *state * 6364136223846793005ul + 1442695040888963407ul;
    return (*state >> 33) % limit;
}

static error_t give(struct utcb *utcb, sel_t pd, enum crd_kind kind, u64 from, unsigned order,
                    u64 to)
{
    *utcb_item(utcb, 0) = item_delegate(crd(kind, from, order, RIGHT_ALL), to, 0);
    return (error_t)hc_plain(HC_delegate, pd, 1, 0, 0, 0, 0);
}

static error_t take(enum crd_kind kind, u64 base, unsigned order, bool self)
{
    return (error_t)hc_plain(HC_revoke, SEL_PD, crd(kind, base, order, RIGHT_ALL),
                             self ? REVOKE_SELF : 0, 0, 0, 0);
}

static error_t act(struct utcb *utcb, u64 *state)
{
    sel_t to = (sel_t)(SEL_OTHERS + next(state, domain_count));
    u64 page = HOME + next(state, PAGES), slot = HOME_INBOX + next(state, INBOX / 2),
        other = HOME_INBOX + next(state, INBOX / 2), cap = SEL_INBOX + next(state, CAPS);
    switch (next(state, 14)) {
    case 0:
    case 1: return give(utcb, to, CRD_MEM, page, 0, slot);
    case 2: return give(utcb, to, CRD_MEM, slot, 0, other);
    case 3: return give(utcb, to, CRD_MEM, HOME_BLOCK + (page & 7) * 8, 2, slot & ~3ul);
    case 4:
        return give(utcb, to, CRD_MEM, HOME_BLOCK + (page & 1) * 32, 5,
                    HOME_INBOX + INBOX / 2 + (page >> 1 & 1) * 32);
    case 5: return take(CRD_MEM, page, 0, false);
    case 6: return take(CRD_MEM, slot, 0, false);
    case 7: return take(CRD_MEM, slot, 0, true);
    case 8: return take(CRD_MEM, slot & ~15ul, 4, true);
    case 9: return take(CRD_MEM, HOME_BLOCK + (page & 7) * 8, 3, false); // cuts what case 4 gave
    case 10: return give(utcb, to, CRD_OBJ, SEL_OWN, 0, cap);
    case 11: return give(utcb, to, CRD_OBJ, cap, 0, SEL_INBOX + (cap + 1) % CAPS);
    case 12: return take(CRD_OBJ, next(state, 2) ? cap : (u64)SEL_OWN, 0, false);
    default: return take(CRD_OBJ, cap, 0, true);
    }
}

static void trade(word_t me)
{
    struct domain *d = &domains[me];
    u64 state = me * 77 + 5;
    sm_down(begin, 0);
    for (unsigned i = 0; i < ROUNDS && !stop; i++) {
        error_t error = act((void *)d->thread.utcb, &state);
        d->bad += error != SUCCESS && error != ECAP && error != EBUSY && error != EMEM;
        d->done++;
    }
}

static void furnish(struct domain *d)
{
    for (unsigned i = 0; i < PAGES; i++)
        delegate_to(d->pd, crd(CRD_MEM, d->pages + i, 0, RIGHT_ALL), HOME + i);
    delegate_to(d->pd, crd(CRD_MEM, d->block, BLOCK, RIGHT_ALL), HOME_BLOCK);
    delegate_to(d->pd, crd(CRD_OBJ, d->sm, 0, RIGHT_ALL), SEL_OWN);
}

static void strip(const struct domain *d)
{
    for (unsigned i = 0; i < PAGES; i++)
        CHECK_EQ(revoke_children(crd(CRD_MEM, d->pages + i, 0, RIGHT_ALL)), SUCCESS);
    CHECK_EQ(revoke_children(crd(CRD_MEM, d->block, BLOCK, RIGHT_ALL)), SUCCESS);
    CHECK_EQ(revoke_children(crd(CRD_OBJ, d->sm, 0, RIGHT_ALL)), SUCCESS);
}

static void domain_make(struct domain *d)
{
    *d = (struct domain){.pd = twin_new(1 << 17, 1000), .sm = sel_new(1)};
    d->pages = ALIGN_UP(page_new(2 * PAGES), PAGES);
    d->block = ALIGN_UP(page_new(2 << BLOCK), 1ul << BLOCK);
    CHECK_EQ(
        take_kernel(crd(CRD_MEM, ALIGN_UP(frame_new(2 * PAGES), PAGES), 3, RIGHT_ALL), d->pages, 0),
        SUCCESS);
    CHECK_EQ(
        take_kernel(crd(CRD_MEM, ALIGN_UP(frame_new(2 << BLOCK), 1ul << BLOCK), BLOCK, RIGHT_ALL),
                    d->block, 0),
        SUCCESS);
    CHECK_EQ(hc_create_sm(d->sm, 0, SEL_PD), SUCCESS);
    CHECK_EQ(delegate_to(d->pd, crd(CRD_OBJ, begin, 0, SM_DOWN), begin), SUCCESS);
    CHECK_EQ(delegate_to(d->pd, crd(CRD_OBJ, d->pd, 0, RIGHT_ALL), SEL_PD), SUCCESS);
}

static void domains_make(void)
{
    domain_count = HIP->cpu_count < 2 ? 2 : HIP->cpu_count > 4 ? 4 : HIP->cpu_count;
    begin = sel_new(1);
    CHECK_EQ(hc_create_sm(begin, 0, SEL_PD), SUCCESS);
    for (unsigned i = 0; i < domain_count; i++)
        domain_make(&domains[i]);
    for (unsigned i = 0; i < domain_count; i++) {
        for (unsigned k = 0; k < domain_count; k++)
            CHECK_EQ(delegate_to(domains[i].pd, crd(CRD_OBJ, domains[k].pd, 0, PD_GRANT),
                                 SEL_OTHERS + k),
                     SUCCESS);
        CHECK_EQ(thread_start(&domains[i].thread, domains[i].pd, i % HIP->cpu_count, 10, trade, i),
                 SUCCESS);
    }
    settle();
}

// Which of the domains' own things is taken away and given anew meanwhile.
static void disturb(void)
{
    for (unsigned i = 0; i < 200; i++) {
        struct domain *d = &domains[i % domain_count];
        rest(500);
        strip(d);
        furnish(d);
    }
}

static void delegations_race(void)
{
    u64 before[DOMAINS_MAX];
    domains_make();
    for (unsigned i = 0; i < domain_count; i++)
        before[i] = read_kmem(domains[i].pd);
    for (unsigned i = 0; i < domain_count; i++)
        furnish(&domains[i]);
    for (unsigned i = 0; i < domain_count; i++)
        sm_up(begin);
    disturb();
    for (unsigned i = 0; i < domain_count; i++) {
        CHECK_EQ(thread_join(&domains[i].thread, LONG_US), SUCCESS);
        CHECK_EQ(domains[i].bad, 0);
        CHECK_EQ(domains[i].done, ROUNDS);
    }
    for (unsigned i = 0; i < domain_count; i++)
        strip(&domains[i]);
    for (unsigned i = 0; i < domain_count; i++)
        CHECK(kmem_of_falls_to(domains[i].pd, before[i]));
    for (unsigned i = 0; i < domain_count; i++) {
        thread_free(&domains[i].thread);
        drop(domains[i].sm);
        drop(domains[i].pd);
    }
}

// A domain that is being taken down gets nothing any more, by whatever way: it would stay there.
static sel_t victim;
static u64 gift;
static volatile u64 given, refused, got_through;
static struct thread giver;

static void give_to_the_dying(word_t unused)
{
    struct utcb *utcb = (void *)giver.utcb;
    (void)unused;
    for (error_t error = SUCCESS; error != ECAP && !stop;) {
        (void)take(CRD_MEM, gift, 0, false);
        // Once this is refused, so must be what comes after it.
        error = give(utcb, victim, CRD_OBJ, begin, 0, SEL_INBOX);
        error_t page = give(utcb, victim, CRD_MEM, gift, 0, HOME);
        given++;
        if (error != EABORT)
            continue;
        refused++;
        got_through += page == SUCCESS;
    }
}

static void the_dying_get_nothing(void)
{
    enum { LIVES = 30, LIVES_MAX = 1000, CAPS_HELD = 3000, SEL_HELD = 0x1000 };
    unsigned stacks = stacks_mark();
    begin = sel_new(1);
    gift = page_new(2);
    refused = got_through = 0;
    CHECK_EQ(hc_create_sm(begin, 0, SEL_PD), SUCCESS);
    for (unsigned i = 0; i < 2; i++)
        CHECK_EQ(take_kernel(crd(CRD_MEM, frame_new(1), 0, RIGHT_ALL), gift + i, 0), SUCCESS);
    // On a busy host the other CPU may stand still just while a domain ends.
    for (unsigned life = 0; life < (refused ? LIVES : LIVES_MAX) && refused < 100; life++) {
        victim = twin_new(1 << 20, CAPS_HELD + 100);
        for (unsigned i = 0; i < CAPS_HELD; i++) // its end takes a while
            CHECK_EQ(delegate_to(victim, crd(CRD_OBJ, begin, 0, 0), SEL_HELD + i), SUCCESS);
        // A page beside it, which stays: the short way is open.
        CHECK_EQ(delegate_to(victim, crd(CRD_MEM, gift + 1, 0, RIGHT_ALL), HOME + 1), SUCCESS);
        given = 0;
        CHECK_EQ(thread_start(&giver, SEL_PD, 1, 10, give_to_the_dying, 0), SUCCESS);
        AWAIT(given > 10);
        drop(victim);
        CHECK_EQ(thread_join(&giver, WAIT_US), SUCCESS);
        thread_free(&giver);
        stacks_release(stacks);
        CHECK_EQ(got_through, 0);
    }
    CHECK(refused > 0);
    drop(begin);
}

const struct test delegation_tests[] = {{"delegations_race", delegations_race, 1},
                                        {"the_dying_get_nothing", the_dying_get_nothing, 2},
                                        {0}};
