// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Signals: semaphores bound to a receiver. And what debuggers stand on: the state of threads that
// are stopped.
#include "test/system/kernel/support.h"

static error_t bind(sel_t context, sel_t receiver, u64 identity)
{
    return hc_plain(HC_sm_ctrl, context, SM_OP_BIND, receiver, identity, 0, 0);
}

static error_t wait_until(sel_t receiver, u64 deadline, u64 *value)
{
    return hc_raw(HC_sm_ctrl, receiver, SM_OP_WAIT, deadline, 0, 0, 0, value);
}

static u64 signal(u64 identity, u64 count)
{
    return identity | count << 32;
}

static sel_t sm_new(void)
{
    sel_t sm = sel_new(1);
    error_t error = hc_create_sm(sm, 0, SEL_PD);
    if (error)
        test_fail(__FILE__, __LINE__, "create_sm", error, SUCCESS);
    return sm;
}

static void signals_count_and_merge(void)
{
    sel_t receiver = sm_new(), a = sm_new(), b = sm_new();
    u64 value;
    sm_up(b);
    sm_up(b);
    CHECK_EQ(bind(a, receiver, 7), SUCCESS);
    CHECK_EQ(bind(b, receiver, 0xffffffff), SUCCESS); // what it has counted is not lost
    for (unsigned i = 0; i < 3; i++)
        CHECK_EQ(sm_up(a), SUCCESS);
    sm_up(b);
    CHECK_EQ(wait_until(receiver, 1, &value), SUCCESS);
    CHECK_EQ(value, signal(0xffffffff, 3)); // first in, first out
    sm_up(b);
    CHECK_EQ(wait_until(receiver, 1, &value), SUCCESS);
    CHECK_EQ(value, signal(7, 3));
    CHECK_EQ(wait_until(receiver, 1, &value), SUCCESS);
    CHECK_EQ(value, signal(0xffffffff, 1));
    CHECK_EQ(wait_until(receiver, 1, &value), ETIMEOUT);
    drop(a);
    drop(b);
    drop(receiver);
}

// A count that has reached its end stays there: what is merged is never fewer than it was.
static void counts_do_not_wrap(void)
{
    static const u64 counted[] = {SIGNAL_COUNT_MAX - 1ul, SIGNAL_COUNT_MAX, SIGNAL_COUNT_MAX + 6ul,
                                  ~0ul};
    for (unsigned i = 0; i < ARRAY_SIZE(counted); i++) {
        sel_t receiver = sm_new(), a = sel_new(1);
        u64 value;
        CHECK_EQ(hc_create_sm(a, counted[i], SEL_PD), SUCCESS);
        CHECK_EQ(bind(a, receiver, 7), SUCCESS);
        CHECK_EQ(sm_up(a), SUCCESS);
        CHECK_EQ(sm_up(a), SUCCESS);
        CHECK_EQ(wait_until(receiver, 1, &value), SUCCESS);
        CHECK_EQ(value, signal(7, SIGNAL_COUNT_MAX));
        CHECK_EQ(sm_up(a), SUCCESS);
        CHECK_EQ(wait_until(receiver, 1, &value), SUCCESS);
        CHECK_EQ(value, signal(7, 1));
        drop(a);
        drop(receiver);
    }
}

static void wrong_bindings_are_refused(void)
{
    sel_t receiver = sm_new(), a = sm_new(), b = sm_new(), weak = sel_new(1);
    u64 value;
    CHECK_EQ(bind(a, a, 0), EPARAM);
    CHECK_EQ(bind(a, receiver, 1ul << 32), EPARAM);
    CHECK_EQ(bind(a, weak, 0), ECAP);
    CHECK_EQ(bind(a, SEL_PD, 0), ECAP);
    CHECK_EQ(delegate_to(SEL_PD, crd(CRD_OBJ, receiver, 0, SM_UP), weak), SUCCESS);
    CHECK_EQ(bind(a, weak, 0), ECAP);
    CHECK_EQ(bind(weak, a, 0), ECAP);
    CHECK_EQ(bind(a, receiver, 1), SUCCESS);
    CHECK_EQ(bind(a, receiver, 1), EBUSY);
    CHECK_EQ(bind(b, a, 2), EPARAM);       // a context receives nothing
    CHECK_EQ(bind(receiver, b, 2), EBUSY); // and a receiver is no context
    CHECK_EQ(sm_down(a, 1), EPARAM);
    CHECK_EQ(hc_raw(HC_sm_ctrl, a, SM_OP_DOWN_ZERO, 1, 0, 0, 0, &value), EPARAM);
    CHECK_EQ(wait_until(a, 1, &value), EPARAM);
    sm_up(a);
    CHECK_EQ(sm_down(a, 1), EPARAM);
    CHECK_EQ(wait_until(receiver, 1, &value), SUCCESS);
    CHECK_EQ(value, signal(1, 1));
    CHECK_EQ(hc_plain(HC_sm_ctrl, receiver, SM_OP_BIND + 1, 0, 0, 0, 0), EPARAM);
    drop(receiver);
    CHECK_EQ(bind(b, receiver, 2), ECAP);
    CHECK_EQ(sm_up(a), SUCCESS); // nobody hears it
    drop(a);
    drop(b);
}

static volatile u64 heard[8];
static volatile error_t heard_end;
static sel_t ear;
static void listen(word_t contexts)
{
    u64 value;
    (void)contexts;
    while (!(heard_end = wait_until(ear, 0, &value)))
        heard[value & 7] += value >> 32;
}

static void waiting_receiver_is_woken(void)
{
    struct thread t;
    sel_t context = sm_new();
    ear = sm_new();
    heard[3] = 0;
    CHECK_EQ(bind(context, ear, 3), SUCCESS);
    CHECK_EQ(thread_start(&t, SEL_PD, HIP->cpu_count - 1, 100, listen, 0), SUCCESS);
    for (unsigned i = 1; i <= 100; i++) {
        sm_up(context);
        if (i % 10 == 0) {
            settle();
            CHECK_EQ(heard[3], i);
        }
    }
    drop(ear); // its waiter is told
    CHECK_EQ(thread_join(&t, WAIT_US), SUCCESS);
    CHECK_EQ(heard_end, EABORT);
    CHECK_EQ(sm_up(context), SUCCESS);
    thread_free(&t);
    drop(context);
}

static sel_t bells[8];
static void ring(word_t me)
{
    for (unsigned i = 0; i < 20000; i++)
        sm_up(bells[(me + i) & 7]);
}

// Every CPU signals all contexts, while others come and go, pending or not: nothing is lost.
static void no_signal_is_lost(void)
{
    struct thread t[MAX_CPUS], listener;
    u64 before = 0;
    for (unsigned round = 0; round < 2; round++) {
        ear = sm_new();
        for (unsigned i = 0; i < 8; i++) {
            heard[i] = 0;
            bells[i] = sm_new();
            CHECK_EQ(bind(bells[i], ear, i), SUCCESS);
        }
        CHECK_EQ(thread_start(&listener, SEL_PD, 0, 20, listen, 0), SUCCESS);
        for (unsigned i = 0; i < HIP->cpu_count; i++)
            CHECK_EQ(thread_start(&t[i], SEL_PD, i, 10, ring, i), SUCCESS);
        for (unsigned i = 0; i < 500; i++) {
            sel_t passing = sel_new(1);
            CHECK_EQ(hc_create_sm(passing, i & 1, SEL_PD), SUCCESS);
            CHECK_EQ(bind(passing, ear, 7), SUCCESS);
            drop(passing);
        }
        for (unsigned i = 0; i < HIP->cpu_count; i++) {
            CHECK_EQ(thread_join(&t[i], LONG_US), SUCCESS);
            thread_free(&t[i]);
        }
        settle();
        for (unsigned i = 0; i < 7; i++)
            CHECK_EQ(heard[i], 2500 * HIP->cpu_count);
        for (unsigned i = 0; i < 8; i++)
            drop(bells[i]);
        drop(ear);
        CHECK_EQ(thread_join(&listener, WAIT_US), SUCCESS);
        thread_free(&listener);
        if (!round)
            before = read_kmem(SEL_PD);
    }
    CHECK(kmem_falls_to(before + 8 * PAGE_SIZE / 64));
}

// A thread that counts in rbx and r12, so that its registers tell where it is.
static volatile u64 beats;
__attribute__((naked)) static void count_body(word_t step __attribute__((unused)))
{
    __asm__ volatile("mov %%rdi, %%r12\n\txor %%ebx, %%ebx\n"
                     "1:\tadd %%r12, %%rbx\n\tincq %0\n\tjmp 1b"
                     : "+m"(beats));
}

static volatile u64 elsewhere;
static void other_body(void)
{
    for (;;)
        elsewhere++;
}

static error_t state(sel_t ec, enum ec_op operation, u64 mtd)
{
    error_t error = EBUSY;
    AWAIT((error = hc_plain(HC_ec_ctrl, ec, operation, mtd, 0, 0, 0)) != EBUSY);
    return error;
}

static bool moves(volatile u64 *counter)
{
    u64 before = *counter;
    AWAIT(*counter != before);
    return *counter != before;
}

static void stopped_threads_show_their_state(void)
{
    struct thread t;
    struct exc_state *s = utcb_exc(ROOT_UTCB);
    CHECK_EQ(thread_start(&t, SEL_PD, HIP->cpu_count - 1, 5, count_body, 3), SUCCESS);
    CHECK(moves(&beats));
    CHECK_EQ(hc_plain(HC_ec_ctrl, t.ec, EC_READ_STATE, MTD_ALL, 0, 0, 0), EBUSY);
    CHECK_EQ(hc_plain(HC_ec_ctrl, SEL_EC, EC_READ_STATE, MTD_ALL, 0, 0, 0), EBUSY); // oneself
    CHECK_EQ(hc_plain(HC_ec_ctrl, t.ec, EC_SET_TAG, 4711, 0, 0, 0), SUCCESS);
    CHECK_EQ(hc_plain(HC_ec_ctrl, t.ec, EC_PAUSE, 0, 0, 0, 0), SUCCESS);
    CHECK_EQ(state(t.ec, EC_READ_STATE, MTD_FPU << 1), EPARAM);
    CHECK_EQ(state(t.ec, EC_READ_STATE, MTD_ALL), SUCCESS);
    CHECK_EQ(s->tag, 4711);
    CHECK_EQ(s->r12, 3);
    CHECK(s->rbx % 3 == 0 && s->rbx > 0);
    CHECK(s->rip - (word_t)count_body < 64);
    u64 at = s->rbx;
    rest(10000);
    CHECK_EQ(state(t.ec, EC_READ_STATE, MTD_ALL), SUCCESS);
    CHECK_EQ(s->rbx, at); // it stands still
    s->r12 = 5;
    s->rbx = 0;
    CHECK_EQ(state(t.ec, EC_WRITE_STATE, MTD_GPR_R8), SUCCESS); // rbx is not among them
    CHECK_EQ(state(t.ec, EC_READ_STATE, MTD_ALL), SUCCESS);
    CHECK_EQ(s->rbx, at);
    CHECK_EQ(s->r12, 5);
    s->rip = (word_t)other_body;
    CHECK_EQ(state(t.ec, EC_WRITE_STATE, MTD_RIP), SUCCESS);
    CHECK_EQ(hc_plain(HC_ec_ctrl, t.ec, EC_RESUME, 0, 0, 0, 0), SUCCESS);
    CHECK(moves(&elsewhere));
    CHECK_EQ(hc_plain(HC_ec_ctrl, t.ec, EC_READ_STATE, MTD_ALL, 0, 0, 0), EBUSY);
    thread_free(&t);
    CHECK_EQ(hc_plain(HC_ec_ctrl, t.ec, EC_READ_STATE, MTD_ALL, 0, 0, 0), ECAP);
}

// Who is resumed and paused at once may run in between: its state tells what it did.
static void paused_anew(void)
{
    struct thread t;
    struct exc_state *s = utcb_exc(ROOT_UTCB);
    beats = 0;
    CHECK_EQ(thread_start(&t, SEL_PD, HIP->cpu_count - 1, 5, count_body, 1), SUCCESS);
    CHECK(moves(&beats));
    for (unsigned i = 0; i < 20000; i++) {
        for (unsigned k = 0; k < 3; k++)
            CHECK_EQ(hc_plain(HC_ec_ctrl, t.ec, k % 2 ? EC_RESUME : EC_PAUSE, 0, 0, 0, 0), SUCCESS);
        if (hc_plain(HC_ec_ctrl, t.ec, EC_READ_STATE, MTD_ALL, 0, 0, 0) == SUCCESS)
            CHECK(s->rbx - beats <= 1);
        CHECK_EQ(hc_plain(HC_ec_ctrl, t.ec, EC_RESUME, 0, 0, 0, 0), SUCCESS);
    }
    thread_free(&t);
}

// A thread with its argument in xmm3 and 1.0 on the FPU's stack, which tells what it has in xmm3.
static volatile u64 seen;
__attribute__((naked)) static void fpu_body(word_t value __attribute__((unused)))
{
    __asm__ volatile("movq %%rdi, %%xmm3\n\tfld1\n"
                     "1:\tmovq %%xmm3, %0\n\tincq %1\n\tjmp 1b"
                     : "=m"(seen), "+m"(beats));
}

enum { XMM3 = (160 + 3 * 16) / 8, ST0 = 32 / 8, MXCSR_WORD = 24 / 8 }; // words of fpu_state

static void stopped_threads_show_their_fpu(void)
{
    struct thread t, plain;
    word_t *words = utcb_fpu(ROOT_UTCB)->words;
    sel_t ec[2];
    CHECK_EQ(thread_start(&t, SEL_PD, HIP->cpu_count - 1, 5, fpu_body, 4711), SUCCESS);
    CHECK_EQ(thread_start(&plain, SEL_PD, HIP->cpu_count - 1, 5, count_body, 1), SUCCESS);
    AWAIT(seen == 4711);
    ec[0] = t.ec;
    ec[1] = plain.ec;
    CHECK_EQ(hc_plain(HC_ec_ctrl, t.ec, EC_WRITE_STATE, MTD_FPU, 0, 0, 0), EBUSY);
    for (unsigned i = 0; i < 2; i++)
        CHECK_EQ(hc_plain(HC_ec_ctrl, ec[i], EC_PAUSE, 0, 0, 0, 0), SUCCESS);
    CHECK_EQ(state(t.ec, EC_READ_STATE, MTD_FPU), SUCCESS);
    CHECK_EQ(words[XMM3], 4711);
    CHECK_EQ(words[ST0], 1ul << 63);
    CHECK_EQ(words[ST0 + 1] & 0xffff, 0x3fff);
    words[XMM3] = 1234;
    words[MXCSR_WORD] = ~0ul; // with bits that no CPU has
    CHECK_EQ(state(t.ec, EC_WRITE_STATE, MTD_FPU), SUCCESS);
    CHECK_EQ(state(t.ec, EC_READ_STATE, MTD_FPU), SUCCESS);
    CHECK_EQ(words[MXCSR_WORD] << 32 >> 48, 0);
    CHECK_EQ(hc_plain(HC_ec_ctrl, t.ec, EC_RESUME, 0, 0, 0, 0), SUCCESS);
    AWAIT(seen == 1234);
    CHECK_EQ(seen, 1234);
    // One that has not used them: as it would begin, and nothing to write to.
    CHECK_EQ(state(plain.ec, EC_READ_STATE, MTD_FPU), SUCCESS);
    CHECK_EQ(words[XMM3], 0);
    CHECK_EQ(words[0], 0x37f);
    CHECK_EQ(words[MXCSR_WORD] & 0xffffffff, 0x1f80);
    CHECK_EQ(state(plain.ec, EC_WRITE_STATE, MTD_FPU), EFEATURE);
    thread_free(&t);
    thread_free(&plain);
}

static void restless_body(word_t ec)
{
    while (!stop) {
        for (unsigned operation = EC_PAUSE; operation <= EC_RESUME; operation++) {
            hc_plain(HC_ec_ctrl, ec, operation, 0, 0, 0, 0);
            for (volatile unsigned i = 0; i < 500; i++)
                ;
        }
    }
}

// Whatever is written, and whenever: the CPU loads it without a fault.
static void fpu_is_written_at_bad_moments(void)
{
    struct thread t, other;
    unsigned written = 0;
    u64 end = tsc() + tsc_us(LONG_US);
    CHECK_EQ(thread_start(&t, SEL_PD, 1, 5, fpu_body, 1), SUCCESS);
    CHECK(moves(&beats));
    CHECK_EQ(thread_start(&other, SEL_PD, 1, 5, restless_body, t.ec), SUCCESS);
    for (unsigned i = 0; written < 2000 && tsc() < end; i++) {
        for (unsigned k = 0; k < 64; k++)
            utcb_fpu(ROOT_UTCB)->words[k] = 0x9e3779b97f4a7c15ul * (i * 64 + k + 1);
        written += !hc_plain(HC_ec_ctrl, t.ec, EC_WRITE_STATE, MTD_FPU, 0, 0, 0);
    }
    stop = true;
    thread_free(&other);
    CHECK_EQ(written, 2000);
    hc_plain(HC_ec_ctrl, t.ec, EC_RESUME, 0, 0, 0, 0);
    CHECK(moves(&beats));
    thread_free(&t);
}

// A step is a debug exception after one instruction: its handler pauses the thread.
static struct handler stepper;
static volatile u64 steps, step_rip, step_tag;
static sel_t stepped;
static void step_body(word_t vector)
{
    struct exc_state *s = utcb_exc(stepper.utcb);
    if (vector == 1)
        steps++;
    step_rip = s->rip;
    step_tag = s->tag;
    hc_plain(HC_ec_ctrl, stepped, EC_PAUSE, 0, 0, 0, 0);
    __asm__ volatile("syscall" ::"a"(1), "S"(head(EXC_WORDS, 0)), "d"(0));
    __builtin_unreachable();
}
__attribute__((naked)) static void entry_step(void)
{
    __asm__ volatile("mov %%rdx, %%rdi\n\tjmp %P0" ::"i"(step_body));
}

static void single_steps(void)
{
    enum { TRAP = 1 << 8 };
    struct thread t;
    struct exc_state *s = utcb_exc(ROOT_UTCB);
    CHECK_EQ(thread_start(&t, SEL_PD, 0, 5, count_body, 1), SUCCESS);
    stepper = handler_new(SEL_PD, 0, entry_step, 0);
    stepped = t.ec;
    steps = 0;
    CHECK_EQ(delegate_to(SEL_PD, crd(CRD_OBJ, stepper.pt, 0, RIGHT_ALL), t.exc_base + 1), SUCCESS);
    CHECK(moves(&beats));
    hc_plain(HC_ec_ctrl, t.ec, EC_SET_TAG, 99, 0, 0, 0);
    hc_plain(HC_ec_ctrl, t.ec, EC_PAUSE, 0, 0, 0, 0);
    CHECK_EQ(state(t.ec, EC_READ_STATE, MTD_ALL), SUCCESS);
    u64 first = s->rip;
    s->rflags |= TRAP;
    CHECK_EQ(state(t.ec, EC_WRITE_STATE, MTD_RFLAGS), SUCCESS);
    for (unsigned i = 1; i <= 30; i++) {
        CHECK_EQ(hc_plain(HC_ec_ctrl, t.ec, EC_RESUME, 0, 0, 0, 0), SUCCESS);
        AWAIT(steps >= i);
        CHECK_EQ(state(t.ec, EC_READ_STATE, 0), SUCCESS); // its handler has paused it
        CHECK_EQ(steps, i);
        CHECK(step_rip - (word_t)count_body < 64);
        CHECK_EQ(step_tag, 99);
        if (i == 1)
            CHECK(step_rip != first);
        if (i == 3)
            CHECK_EQ(step_rip, first); // the loop has three instructions
    }
    thread_free(&t);
    handler_free(&stepper);
}

const struct test signal_tests[] = {
    {"signals_count_and_merge", signals_count_and_merge, 1},
    {"counts_do_not_wrap", counts_do_not_wrap, 1},
    {"wrong_bindings_are_refused", wrong_bindings_are_refused, 1},
    {"waiting_receiver_is_woken", waiting_receiver_is_woken, 1},
    {"no_signal_is_lost", no_signal_is_lost, 1},
    {"stopped_threads_show_their_state", stopped_threads_show_their_state, 1},
    {"paused_anew_shows_the_latest_state", paused_anew, 2},
    {"threads_can_be_stepped", single_steps, 1},
    {"stopped_threads_show_their_fpu", stopped_threads_show_their_fpu, 1},
    {"fpu_is_written_at_bad_moments", fpu_is_written_at_bad_moments, 2},
    {0}};
