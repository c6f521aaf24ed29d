// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What the kernel's operations cost, in instructions under icount: each figure is one operation
// between two readings of the time-stamp counter, the readings' own cost taken off; minimum and
// median of many. `bench=KEY` on the command line repeats only KEY, for `make profile`.
#include "test/system/kernel/support.h"

enum { SAMPLES = 501 };

static u64 samples[SAMPLES];
static u64 overhead;

static void sort(void)
{
    for (unsigned gap = SAMPLES / 2; gap; gap /= 2) {
        for (unsigned i = gap; i < SAMPLES; i++) {
            u64 v = samples[i];
            unsigned k = i;
            for (; k >= gap && samples[k - gap] > v; k -= gap)
                samples[k] = samples[k - gap];
            samples[k] = v;
        }
    }
}

static void report(const char *key)
{
    sort();
    print("bench: ");
    print(key);
    print(" ");
    print_number(samples[0]);
    print(" ");
    print_number(samples[SAMPLES / 2]);
    print(" instructions\n");
}

// The addresses between which tools/profile counts.
__attribute__((noinline)) void profile_begin(void);
__attribute__((noinline)) void profile_end(void);
void profile_begin(void)
{
    __asm__ volatile("");
}
void profile_end(void)
{
    __asm__ volatile("");
}

// Whether the command line has bench=KEY.
static bool selected(const char *key)
{
    const char *line = HIP->cmdline;
    for (; *line; line++) {
        const char *a = "bench=", *b = line, *c = key;
        while (*a && *a == *b)
            a++, b++;
        while (!*a && *c && *c == *b)
            b++, c++;
        if (!*a && !*c && (*b == 0 || *b == ' '))
            return true;
    }
    return false;
}

#define MEASURE(key, operation)                                                                    \
    do {                                                                                           \
        for (unsigned i_ = 0; i_ < 8 && selected(key); i_++) {                                     \
            profile_begin();                                                                       \
            operation;                                                                             \
            profile_end();                                                                         \
        }                                                                                          \
        for (unsigned i_ = 0; i_ < SAMPLES; i_++) {                                                \
            u64 begin_ = tsc();                                                                    \
            operation;                                                                             \
            samples[i_] = tsc() - begin_ - overhead;                                               \
        }                                                                                          \
        report(key);                                                                               \
    } while (0)

static void must(error_t error, const char *what)
{
    if (!error)
        return;
    print("bench: FAIL ");
    print(what);
    print(" ");
    print(error_name(error));
    print("\n");
    machine_exit(1);
}

static error_t call_words(sel_t pt, unsigned words)
{
    head_t h = head(words, 0);
    word_t w[4] = {1, 2, 3, 4};
    return hc_call(pt, &h, w);
}

static void bench_ipc(const char *const keys[4], sel_t pd)
{
    struct handler null = handler_new(pd, 0, entry_null, 0),
                   echo = handler_new(pd, 0, entry_echo, 0);
    static const unsigned words[] = {0, 4, 8, 64};
    MEASURE(keys[0], (void)!hc_call0(null.pt));
    for (unsigned i = 1; i < 4; i++) {
        if (keys[i])
            MEASURE(keys[i], (void)!call_words(echo.pt, words[i]));
    }
    handler_free(&null);
    handler_free(&echo);
}

static sel_t ping, pong;
static void answer(word_t rounds)
{
    (void)rounds;
    for (;;) {
        sm_down(ping, 0);
        sm_up(pong);
    }
}

static void bench_semaphores(sel_t pd)
{
    struct thread t;
    sel_t sm = sel_new(1);
    must(hc_create_sm(sm, 0, SEL_PD), "create_sm");
    MEASURE("sm_up_down", (sm_up(sm), sm_down(sm, 0)));
    ping = sel_new(1);
    pong = sel_new(1);
    must(hc_create_sm(ping, 0, SEL_PD), "create_sm");
    must(hc_create_sm(pong, 0, SEL_PD), "create_sm");
    must(delegate_to(pd, crd(CRD_OBJ, ping, 0, RIGHT_ALL), ping), "delegate");
    must(delegate_to(pd, crd(CRD_OBJ, pong, 0, RIGHT_ALL), pong), "delegate");
    must(thread_start(&t, pd, 0, PRIORITY_MAX, answer, 0), "thread");
    MEASURE("sm_pingpong", (sm_up(ping), sm_down(pong, 0)));
    thread_free(&t);
}

static void bench_creation(void)
{
    struct handler h = handler_new(SEL_PD, 0, entry_null, 0);
    sel_t sel = sel_new(2);
    u64 utcb = page_new(2) * PAGE_SIZE;
    must(hc_create_sm(sel + 1, 0, SEL_PD), "create_sm"); // the slot page is there
    must(hc_create_ec(sel, utcb + PAGE_SIZE, 0, 0, 0, 0, SEL_PD),
         "create_ec"); // and the page table of the UTCB
    sel_t other = sel_new(1);
    MEASURE("create_revoke_sm", (must(hc_create_sm(other, 0, SEL_PD), "create_sm"), drop(other)));
    MEASURE("create_revoke_pt",
            (must(hc_create_pt(other, h.ec, 0, 0, SEL_PD), "create_pt"), drop(other)));
    MEASURE("create_revoke_ec",
            (must(hc_create_ec(other, utcb, 0, 0, 0, 0, SEL_PD), "create_ec"), drop(other)));
    MEASURE("create_revoke_pd",
            (must(hc_create_pd(other, SEL_PD, 65536, 16), "create_pd"), drop(other)));
    handler_free(&h);
}

static void bench_mapping(sel_t pd)
{
    u64 frame = ALIGN_UP(frame_new(2048), 512), from = ALIGN_UP(page_new(2048), 512), to = 0x400000;
    must(take_kernel(crd(CRD_MEM, frame, 9, RIGHT_ALL), from, 0), "memory");
    must(delegate_to(pd, crd(CRD_MEM, from + 8, 0, RIGHT_ALL), to + 8),
         "delegate"); // the page tables are there
    MEASURE("map_revoke_4k",
            (must(delegate_to(pd, crd(CRD_MEM, from, 0, RIGHT_ALL), to), "delegate"),
             revoke_children(crd(CRD_MEM, from, 0, RIGHT_ALL))));
    must((error_t)revoke_children(crd(CRD_MEM, from, 9, RIGHT_ALL)), "revoke");
    must(delegate_to(pd, crd(CRD_MEM, from, 0, RIGHT_ALL), to + 512), "delegate");
    MEASURE("map_revoke_2m",
            (must(delegate_to(pd, crd(CRD_MEM, from, 9, RIGHT_ALL), to), "delegate"),
             hc_plain(HC_revoke, pd, crd(CRD_MEM, to, 9, RIGHT_ALL), REVOKE_SELF, 0, 0, 0)));
}

// A store to a page that is not there: the handler only steps over it.
static struct handler stepper;
__attribute__((naked)) static void entry_step(void)
{
    __asm__ volatile("addq $3, %0\n\tmov $1, %%eax\n\tmov $16, %%edx\n\tsyscall"
                     : "+m"(utcb_exc((struct utcb *)0x7000000)->rip));
}
static void fault_many(word_t unused)
{
    (void)unused;
    for (unsigned i = 0; i < SAMPLES; i++) {
        u64 begin = tsc();
        __asm__ volatile("mov %%rsi, (%%rdi)" ::"D"(0x6000000ul), "S"(0ul) : "memory");
        samples[i] = tsc() - begin - overhead;
    }
}

static void bench_fault(void)
{
    struct thread t;
    static char stack[4096];
    stepper.ec = sel_new(1);
    stepper.pt = sel_new(1);
    must(hc_create_ec(stepper.ec, 0x7000000, (word_t)stack + sizeof(stack) - 8, 0, 0, 0, SEL_PD),
         "create_ec");
    must(hc_create_pt(stepper.pt, stepper.ec, (word_t)entry_step, MTD_RIP | MTD_QUAL, SEL_PD),
         "create_pt");
    must(thread_start(&t, SEL_PD, 0, 100, fault_many, 0), "thread");
    must(delegate_to(SEL_PD, crd(CRD_OBJ, stepper.pt, 0, RIGHT_ALL), t.exc_base + EXC_PAGE_FAULT),
         "delegate");
    must(thread_join(&t, 10000000), "join");
    report("fault_portal_roundtrip");
    thread_free(&t);
}

// The call's cost beside many other things: 10,000 capabilities, 1,000 threads.
static void bench_crowded(void)
{
    sel_t pd = sel_new(1), many = 0x20000;
    struct handler h = handler_new(SEL_PD, 0, entry_null, 0);
    MEASURE("ipc_beside_10", (void)!hc_call0(h.pt));
    for (unsigned i = 0; i < 10000; i++)
        must(hc_create_sm(many + i, 0, SEL_PD), "create_sm");
    (void)pd;
    for (unsigned i = 0; i < 1000; i++)
        must(hc_create_ec(many + 10000 + i, page_new(1) * PAGE_SIZE, 0, 0, 0, 0, SEL_PD),
             "create_ec");
    MEASURE("ipc_beside_10000", (void)!hc_call0(h.pt));
    handler_free(&h);
}

NORETURN void root_main(void);
void root_main(void)
{
    static const char *const same[] = {"ipc_same_pd_0w", "ipc_same_pd_4w", NULL, NULL};
    static const char *const cross[] = {"ipc_cross_pd_0w", "ipc_cross_pd_4w", "ipc_cross_pd_8w",
                                        "ipc_cross_pd_64w"};
    support_init();
    for (unsigned i = 0; i < 100; i++) {
        u64 begin = tsc();
        overhead = tsc() - begin;
    }
    sel_t pd = twin_new(1 << 20, 1000);
    MEASURE("null_hypercall", (void)!hc_call0(SEL_LIMIT - 1));
    bench_ipc(same, SEL_PD);
    bench_ipc(cross, pd);
    bench_semaphores(pd);
    bench_creation();
    bench_mapping(pd);
    bench_fault();
    bench_crowded();
    print("bench: DONE\n");
    machine_exit(0);
}
