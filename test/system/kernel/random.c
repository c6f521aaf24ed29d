// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// 100,000 random hypercalls from a domain without rights over anything else: the kernel survives,
// others go on, and all that was used comes back.
#include "test/system/kernel/support.h"

enum { CALLS = 100000 };

static volatile u64 calls_made;
static sel_t twin;

static u64 state = 88172645463325252ul;
static u64 random64(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

// Values that matter: small selectors, borders, the domain's own things, CRDs, noise.
static u64 argument(void)
{
    const u64 borders[] = {0,    1,        SEL_PD,    SEL_LIMIT - 1, SEL_LIMIT,
                           ~0ul, USER_END, 1ul << 63, IMAGE_BASE,    0x10000};
    switch (random64() % 6) {
    case 0: return borders[random64() % ARRAY_SIZE(borders)];
    case 1: return random64() % 64;
    case 2:
        return crd((enum crd_kind)(random64() % 4), random64() % 128, random64() % 8,
                   random64() % 32);
    case 3:
        return crd((enum crd_kind)(random64() % 4), random64() % (1ul << 36), random64() % 32,
                   random64() % 32);
    case 4: return (random64() % 0x80000) * PAGE_SIZE;
    default: return random64();
    }
}

static void hammer(word_t utcb)
{
    for (unsigned i = 0; i < CALLS; i++) {
        enum hypercall number = (enum hypercall)(random64() % (HC_COUNT + 1));
        u64 a[6];
        for (unsigned k = 0; k < 6; k++)
            a[k] = argument();
        if (number == HC_reply || (number == HC_sm_ctrl && a[1] % 4 && random64() % 64))
            continue;
        if (number == HC_sm_ctrl) {
            a[1] %= SM_OP_BIND + 2;
            a[2] = a[1] == SM_OP_BIND ? argument() : 1;
        }
        if (number == HC_ec_ctrl)
            a[1] %= EC_MARK + 2;
        if (number == HC_revoke && (crd_kind(a[1]) == CRD_MEM || a[0] == SEL_PD))
            a[1] = crd(CRD_OBJ, 0x40 + random64() % 64, random64() % 4,
                       31); // not the ground under its feet
        if (number == HC_ec_ctrl || number == HC_call || number == HC_delegate)
            for (unsigned k = 0; k < 4; k++)
                *utcb_item((struct utcb *)utcb, k) = (struct typed_item){argument(), argument()};
        hc_plain(number, a[0], a[1], a[2], a[3], a[4], a[5]);
        calls_made = i + 1;
    }
    calls_made = CALLS;
}

static void random_hypercalls(void)
{
    struct thread t;
    struct handler h = handler_new(SEL_PD, 0, entry_null, 0);
    sel_t sm = sel_new(1);
    CHECK_EQ(hc_create_sm(sm, 0, SEL_PD), SUCCESS);
    u64 before = read_kmem(SEL_PD);
    twin = twin_new(1 << 20, 2000);
    CHECK_EQ(delegate_to(twin, crd(CRD_OBJ, twin, 0, PD_CREATE | PD_GRANT | PD_ACCOUNT), SEL_PD),
             SUCCESS);
    CHECK_EQ(delegate_to(twin, crd(CRD_OBJ, h.pt, 0, PT_CALL), 0x21), SUCCESS);
    CHECK_EQ(delegate_to(twin, crd(CRD_OBJ, sm, 0, SM_UP | SM_DOWN), 0x22), SUCCESS);
    u64 utcb = page_new(0) + 1; // thread_start takes a handler's UTCB page, then the thread's
    CHECK_EQ(thread_start(&t, twin, HIP->cpu_count - 1, 5, hammer, utcb * PAGE_SIZE), SUCCESS);
    error_t joined = thread_join(&t, LONG_US);
    CHECK_EQ(calls_made, CALLS);
    CHECK_EQ(joined, SUCCESS);
    CHECK_EQ(hc_call0(h.pt), SUCCESS); // nothing else was harmed
    drop(twin);
    thread_free(&t);
    CHECK(kmem_falls_to(before + 4 * PAGE_SIZE / 64));
    handler_free(&h);
}

const struct test random_tests[] = {{"random_hypercalls_harm_nobody", random_hypercalls, 1}, {0}};
