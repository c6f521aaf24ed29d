// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What domains and region maps are paid with: accounts of "pd" sessions, reference accounts, and a
// domain of our own (002_8bbc1eeec7f51661.txt, Protection domains).
#include "lib/rt/selector.h"
#include "lib/rt/start.h"
#include "lib/rt/tsc.h"
#include "test/system/check.h"
#include "test/system/core/core.h"
#include "test/system/core/space.h"
#include "test/system/wait.h"

enum { MEBI = 1 << 20 };

static u64 own_limit(unsigned what)
{
    u64 used, limit = 0;
    return hc_pd_read(SEL_PD, what, &used, &limit) ? 0 : limit;
}

// What a session pays for is of sigma0's own account: it cannot be traded out of the domain, by no
// way, and so the session gets back what it paid.
static void domains_of_a_session_trade_nothing(void)
{
    enum { KMEM = 25600, CAPS = 100, NEEDED = 300 };
    struct service_client pd;
    struct domain_client d, e;
    u64 used, limit;
    sel_t child = selector_alloc();
    CHECK_EQ(settle(), SUCCESS);
    u64 caps = own_limit(PD_READ_CAPS), kmem = own_limit(PD_READ_KMEM);
    CHECK_EQ(open_args(&pd, "pd", "", MEBI), SUCCESS);
    CHECK_EQ(service_upgrade(&pd, (struct service_quota){0, NEEDED}), SUCCESS);
    CHECK_EQ(domain_open(&pd, KMEM, CAPS, &d), SUCCESS);
    CHECK_EQ(hc_pd_trade(SEL_PD, d.pd, 1), ECAP);
    CHECK_EQ(hc_pd_trade(d.pd, SEL_PD, 1), ECAP);
    CHECK_EQ(hc_pd_read(d.pd, PD_READ_CAPS, &used, &limit), SUCCESS);
    CHECK_EQ(limit, (u64)CAPS);
    CHECK_EQ(hc_create_pd(child, d.pd, 8192, 10), ECAP); // which would be traded with
    CHECK_EQ(hc_pd_read(d.pd, PD_READ_CAPS, &used, &limit), SUCCESS);
    CHECK_EQ(domain_open_from(&pd, d.pd, 8192, 10, &e), EPERM);
    CHECK_EQ(hc_pd_read(d.pd, PD_READ_CAPS, &used, &limit), SUCCESS);
    CHECK_EQ(hc_create_sm(child, 0, d.pd), SUCCESS); // it does pay for objects
    selector_drop(child);
    domain_close(&pd, &d);
    service_close(&pd);
    CHECK_EQ(settle(), SUCCESS);
    CHECK_EQ(own_limit(PD_READ_CAPS), caps);
    CHECK_EQ(own_limit(PD_READ_KMEM), kmem);
}

// What a domain has of our own account comes back there, whatever was traded meanwhile.
static void a_domain_may_be_of_our_own_account(void)
{
    enum { KMEM = 65536, CAPS = 200, OUT = 20, IN = 50 };
    struct service_client pd;
    struct domain_client d;
    u64 kmem, caps, used, limit;
    sel_t wrong;
    struct pd_accounts before, now;
    CHECK_EQ(settle(), SUCCESS);
    CHECK_EQ(open_args(&pd, "pd", "", MEBI), SUCCESS);
    CHECK_EQ(service_upgrade(&pd, (struct service_quota){0, 120}), SUCCESS);
    kmem = own_limit(PD_READ_KMEM);
    caps = own_limit(PD_READ_CAPS);
    pd.fixed = true;
    CHECK_EQ(pd_accounts(&pd, &before), SUCCESS);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(domain_open_from(&pd, SEL_PD, KMEM, CAPS, &d), SUCCESS);
        CHECK_EQ(own_limit(PD_READ_CAPS), caps - CAPS);
        CHECK_EQ(own_limit(PD_READ_KMEM), kmem - KMEM);
        CHECK_EQ(hc_pd_trade(d.pd, SEL_PD, IN), SUCCESS);
        if (i)
            CHECK_EQ(hc_pd_trade(SEL_PD, d.pd, OUT), SUCCESS);
        CHECK_EQ(hc_pd_read(d.pd, PD_READ_CAPS, &used, &limit), SUCCESS);
        CHECK_EQ(limit, (u64)(i ? CAPS + IN - OUT : CAPS + IN));
        CHECK_EQ(pd_accounts(&pd, &now), SUCCESS);
        CHECK(now.used.caps - before.used.caps < 64); // the rest is ours
        domain_close(&pd, &d);
        for (u64 end = deadline_in_us(PATIENCE_US);
             own_limit(PD_READ_CAPS) != caps && rdtsc() < end;)
            pause_us(1000);
        CHECK_EQ(own_limit(PD_READ_CAPS), caps);
        CHECK_EQ(own_limit(PD_READ_KMEM), kmem);
        CHECK_EQ(pd_accounts(&pd, &now), SUCCESS);
        CHECK_EQ(now.used.caps, before.used.caps);
        CHECK_EQ(now.used.ram, before.used.ram);
    }
    CHECK_EQ(domain_open_from(&pd, SEL_PD, KMEM, 1 << 23, &d), EMEM);
    CHECK_EQ(semaphore_create(0, &wrong), SUCCESS);
    CHECK_EQ(domain_open_from(&pd, wrong, KMEM, CAPS, &d), EPERM);
    CHECK_EQ(domain_open_from(&pd, SEL_LIMIT - 1, KMEM, CAPS, &d), EPROTO); // nothing came
    selector_drop(wrong);
    CHECK_EQ(pd_accounts(&pd, &now), SUCCESS);
    CHECK(now.used.caps == before.used.caps && now.used.ram == before.used.ram);
    service_close(&pd);
}

static void quota_moves_between_accounts(void)
{
    struct service_client a, b, c;
    struct pd_accounts now;
    const struct service_quota one = {MEBI, 10}, two = {2 * MEBI, 20}, quarter = {MEBI / 4, 2};
    sel_t ds = selector_alloc();
    CHECK_EQ(open_args(&a, "pd", "", 4 * MEBI), SUCCESS);
    CHECK_EQ(open_args(&b, "pd", "", 0), SUCCESS);
    CHECK_EQ(open_args(&c, "pd", "", 0), SUCCESS);
    CHECK_EQ(pd_accounts(&a, &now), SUCCESS);
    const struct service_quota whole = now.limit;
    CHECK_EQ(pd_transfer(&b, one, false), ENOTFOUND); // no reference account yet
    CHECK_EQ(pd_reference(&b, &b), ENOTFOUND);
    CHECK_EQ(pd_reference(&b, &a), SUCCESS);
    CHECK_EQ(pd_reference(&b, &a), EINUSE);
    CHECK_EQ(pd_reference(&c, &b), SUCCESS);
    CHECK_EQ(pd_reference(&a, &c), EDEADLOCK);
    CHECK_EQ(pd_accounts(&b, &now), SUCCESS);
    CHECK(now.used.ram == now.limit.ram && now.used.caps == now.limit.caps);
    CHECK_EQ(dataspace_alloc_at(&b, PAGE_SIZE, 0, ds, 0, 0), ERESOURCE); // it begins at zero
    CHECK_EQ(pd_transfer(&b, (struct service_quota){4 * MEBI + 1, 0}, false), ERESOURCE);
    CHECK_EQ(pd_transfer(&b, (struct service_quota){~0ul, 0}, false), ERESOURCE);
    CHECK_EQ(pd_transfer(&b, (struct service_quota){MEBI, 1000000}, false), ERESOURCE);
    CHECK_EQ(pd_transfer(&b, two, false), SUCCESS);
    CHECK_EQ(pd_transfer(&c, one, false), SUCCESS);
    CHECK_EQ(pd_accounts(&a, &now), SUCCESS);
    CHECK_EQ(now.limit.ram, whole.ram - two.ram);
    CHECK_EQ(now.limit.caps, whole.caps - two.caps);
    CHECK_EQ(pd_accounts(&b, &now), SUCCESS);
    CHECK_EQ(now.limit.ram, PD_PRICE + MEBI);
    CHECK_EQ(now.limit.caps, service_caps_least() + 10);
    CHECK_EQ(dataspace_alloc_at(&c, MEBI / 2, 0, ds, 0, 0), SUCCESS);
    CHECK_EQ(pd_accounts(&c, &now), SUCCESS);
    CHECK_EQ(now.used.caps, service_caps_least() + PD_DATASPACE_CAPS);
    u64 ram, after, caps;
    CHECK_EQ(env_quota(&ram, &caps), SUCCESS);
    c.fixed = false;                                 // nor would our donation help
    CHECK_EQ(pd_transfer(&c, one, true), ERESOURCE); // half of it is in use
    c.fixed = true;
    CHECK_EQ(env_quota(&after, &caps), SUCCESS);
    CHECK_EQ(after, ram);
    CHECK_EQ(pd_transfer(&c, (struct service_quota){0, 10}, true), ERESOURCE); // and one slot
    CHECK_EQ(pd_transfer(&c, quarter, true), SUCCESS);
    CHECK_EQ(pd_transfer(&b, two, true), ERESOURCE); // it lent some
    sel_t map, managed;
    CHECK_EQ(rm_create(&c, PAGE_SIZE, &map, &managed), SUCCESS);
    service_close(&b); // what c has came from there: it goes, with what was made of it
    CHECK_EQ(pd_accounts(&a, &now), SUCCESS);
    CHECK(now.limit.ram == whole.ram && now.limit.caps == whole.caps);
    CHECK_EQ(pd_accounts(&c, &now), SUCCESS);
    CHECK(now.used.ram == PD_PRICE && now.limit.ram == PD_PRICE);
    CHECK(now.used.caps == service_caps_least() && now.limit.caps == service_caps_least());
    // Of its next reference account it has borrowed nothing yet; what is its own is not to be had.
    CHECK_EQ(pd_transfer(&c, quarter, false), ENOTFOUND);
    CHECK_EQ(pd_reference(&c, &a), SUCCESS);
    CHECK_EQ(service_upgrade(&c, one), SUCCESS);
    CHECK_EQ(pd_transfer(&c, quarter, true), ERESOURCE);
    service_close(&c);
    service_close(&a);
    selector_drop(map);
    selector_drop(managed);
    selector_drop(ds);
}

void domain_account_tests(void)
{
    RUN(domains_of_a_session_trade_nothing);
    RUN(a_domain_may_be_of_our_own_account);
    RUN(quota_moves_between_accounts);
}
