// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
#include "test/system/kernel/support.h"

enum { STACK = 0x4000, STACKS = 96 };

static char stacks[STACKS][STACK] __attribute__((aligned(4096)));
static unsigned stacks_taken;
static sel_t next_sel = 0x1000;
static u64 next_page = 0x90000;
static u64 next_frame, last_frame;
volatile bool stop;
static bool failed;
static unsigned passed_count, failed_count;
static struct handler mapper;
static struct typed_item mapper_item;

static void putc_(char c)
{
    u8 status;
    do
        __asm__ volatile("inb %w1, %b0" : "=a"(status) : "Nd"((u16)0x3fd));
    while (!(status & 0x20));
    __asm__ volatile("outb %b0, %w1" ::"a"(c), "Nd"((u16)0x3f8));
}

void print(const char *text)
{
    for (; *text; text++)
        putc_(*text);
}

void print_number(u64 value)
{
    char buffer[24], *at = buffer + sizeof(buffer) - 1;
    *at = 0;
    do
        *--at = (char)('0' + value % 10);
    while (value /= 10);
    print(at);
}

void test_fail(const char *file, unsigned line, const char *what, u64 found, u64 expected)
{
    if (failed)
        return;
    failed = true;
    print("  ");
    print(file);
    print(":");
    print_number(line);
    print(": ");
    print(what);
    print(": found ");
    print_number(found);
    print(", expected ");
    print_number(expected);
    print("\n");
}

sel_t sel_new(unsigned count)
{
    sel_t sel = next_sel;
    next_sel += count;
    return sel;
}

u64 page_new(unsigned count)
{
    u64 page = next_page;
    next_page += count;
    return page;
}

u64 frame_new(unsigned count)
{
    u64 frame = next_frame;
    next_frame += count;
    return next_frame <= last_frame ? frame : 0;
}

__attribute__((naked)) void entry_null(void)
{
    __asm__ volatile("xor %esi, %esi\n\tmov $1, %eax\n\tsyscall");
}

// The head came in rsi, words in rdx r10 r8 r9: they are where the reply wants them.
__attribute__((naked)) void entry_echo(void)
{
    __asm__ volatile("mov $1, %eax\n\tsyscall");
}

// Replies with one typed item out of its UTCB, prepared by take_kernel.
__attribute__((naked)) static void entry_mapper(void)
{
    __asm__ volatile("mov $0x10000, %esi\n\tmov $1, %eax\n\tsyscall");
}

static char *stack_new(void)
{
    if (stacks_taken == STACKS) {
        print("support: out of stacks\n");
        for (;;)
            __asm__ volatile("pause");
    }
    return stacks[stacks_taken++] + STACK - 8;
}

unsigned stacks_mark(void)
{
    return stacks_taken;
}

void stacks_release(unsigned mark)
{
    stacks_taken = mark;
}

struct handler handler_new(sel_t pd, unsigned cpu, void (*entry)(void), word_t identity)
{
    struct handler h = {
        .ec = sel_new(1), .pt = sel_new(1), .utcb = (void *)(page_new(1) * PAGE_SIZE)};
    error_t error = hc_create_ec(h.ec, (word_t)h.utcb, (word_t)stack_new(), cpu, 0, 0, pd);
    if (!error)
        error = hc_create_pt(h.pt, h.ec, (word_t)entry, MTD_ALL, SEL_PD);
    if (!error)
        error = (error_t)hc_plain(HC_pt_ctrl, h.pt, identity, 0, 0, 0, 0);
    if (error)
        test_fail(__FILE__, __LINE__, "handler_new", error, SUCCESS);
    return h;
}

void handler_free(struct handler *h)
{
    drop(h->pt);
    drop(h->ec);
}

error_t take_kernel(crd_t what, u64 at, unsigned flags)
{
    ROOT_UTCB->window = crd(crd_kind(what), at, crd_order(what), RIGHT_ALL);
    mapper_item = item_delegate(what, 0, ITEM_KERNEL | flags);
    *utcb_item(mapper.utcb, 0) = mapper_item;
    head_t h = 0;
    word_t w[4] = {0};
    error_t error = hc_call(mapper.pt, &h, w);
    ROOT_UTCB->window = 0;
    if (error)
        return error;
    return crd_kind(utcb_item(ROOT_UTCB, 0)->crd) ? SUCCESS : ECAP;
}

void support_init(void)
{
    mapper = handler_new(SEL_PD, 0, entry_mapper, 0);
    take_kernel(crd(CRD_IO, 0, 16, IO_RW), 0, 0);
    for (unsigned i = 0; i < HIP->memory_count; i++) {
        const struct hip_memory *m = &HIP->memory[i];
        u64 first = ALIGN_UP(m->base, 0x200000ul) / PAGE_SIZE,
            end = (m->base + m->size) / PAGE_SIZE;
        if (m->kind == HIP_MEM_FREE && end > first && end - first > last_frame - next_frame) {
            next_frame = first;
            last_frame = end;
        }
    }
}

error_t delegate_to(sel_t pd, crd_t c, u64 hotspot)
{
    *utcb_item(ROOT_UTCB, 0) = item_delegate(c, hotspot, 0);
    return hc_plain(HC_delegate, pd, 1, 0, 0, 0, 0);
}

sel_t twin_new(u64 kmem, u64 caps)
{
    extern char __image_end[];
    sel_t pd = sel_new(1);
    error_t error = hc_create_pd(pd, SEL_PD, kmem, caps);
    if (error)
        test_fail(__FILE__, __LINE__, "create_pd", error, SUCCESS);
    for (u64 page = IMAGE_BASE / PAGE_SIZE; page <= (u64)__image_end / PAGE_SIZE; page += 512)
        delegate_to(pd, crd(CRD_MEM, page, 9, RIGHT_ALL), page);
    return pd;
}

// What a starting thread needs to know lies in the image, which twins share; a test's struct thread
// lies on its stack.
static struct start {
    void (*fn)(word_t);
    word_t argument;
    sel_t finished;
    struct utcb *starter_utcb;
} starts[STACKS];
static unsigned starts_taken;

static void thread_body(const struct start *start)
{
    start->fn(start->argument);
    sm_up(start->finished);
    sm_down(start->finished + 1, 0);
    for (;;)
        __asm__ volatile("ud2");
}

// Start-up exception: identity is the start block.
static void start_reply(const struct start *start)
{
    struct exc_state *s = utcb_exc(start->starter_utcb);
    s->rip = (word_t)thread_body;
    s->rdi = (word_t)start;
    __asm__ volatile("syscall" ::"a"(1), "S"(head(EXC_WORDS, 0)), "d"(MTD_RIP | MTD_GPR_BSD));
    __builtin_unreachable();
}

__attribute__((naked)) static void entry_start(void)
{
    __asm__ volatile("jmp %P0" ::"i"(start_reply));
}

error_t thread_start(struct thread *t, sel_t pd, unsigned cpu, unsigned priority,
                     void (*fn)(word_t), word_t argument)
{
    struct start *start = &starts[starts_taken++ % STACKS];
    t->exc_base = sel_new(EXC_COUNT);
    t->finished = sel_new(2);
    t->ec = sel_new(1);
    t->sc = sel_new(1);
    t->starter = handler_new(pd, cpu, entry_start, (word_t)start);
    *start = (struct start){fn, argument, t->finished, t->starter.utcb};
    error_t error = hc_create_sm(t->finished, 0, SEL_PD);
    if (!error)
        error = hc_create_sm(t->finished + 1, 0, SEL_PD);
    // The thread names selectors of its own PD: in a twin, the same ones.
    if (!error && pd != SEL_PD) {
        error = delegate_to(pd, crd(CRD_OBJ, t->finished, 0, RIGHT_ALL), t->finished);
        if (!error)
            error = delegate_to(pd, crd(CRD_OBJ, t->finished + 1, 0, RIGHT_ALL), t->finished + 1);
        if (!error)
            error = delegate_to(pd, crd(CRD_OBJ, t->starter.pt, 0, RIGHT_ALL),
                                t->exc_base + EXC_STARTUP);
    } else if (!error) {
        error = delegate_to(SEL_PD, crd(CRD_OBJ, t->starter.pt, 0, RIGHT_ALL),
                            t->exc_base + EXC_STARTUP);
    }
    t->utcb = page_new(1) * PAGE_SIZE;
    if (!error)
        error = hc_create_ec(t->ec, t->utcb, (word_t)stack_new(), cpu, EC_GLOBAL, t->exc_base, pd);
    if (!error)
        error = hc_create_sc(t->sc, t->ec, SEL_PD, priority, 0, 0, 0);
    return error;
}

error_t thread_join(struct thread *t, u64 timeout_us)
{
    return sm_down(t->finished, tsc() + tsc_us(timeout_us));
}

void thread_free(struct thread *t)
{
    drop(t->sc);
    drop(t->ec);
    handler_free(&t->starter);
    drop(t->finished);
    drop(t->finished + 1);
}

// A thread of priority 1 on each CPU: runs when all others wait.
static struct {
    sel_t asked, idle;
} idlers[MAX_CPUS];

static void idler(word_t cpu)
{
    for (;;) {
        sm_down(idlers[cpu].asked, 0);
        sm_up(idlers[cpu].idle);
    }
}

static sel_t nap;

void rest(u64 us)
{
    sm_down(nap, tsc() + tsc_us(us));
}

void pauses_init(void)
{
    nap = sel_new(1);
    if (hc_create_sm(nap, 0, SEL_PD))
        test_fail(__FILE__, __LINE__, "nap", 1, SUCCESS);
    for (unsigned cpu = 0; cpu < HIP->cpu_count; cpu++) {
        struct thread t;
        idlers[cpu].asked = sel_new(1);
        idlers[cpu].idle = sel_new(1);
        if (hc_create_sm(idlers[cpu].asked, 0, SEL_PD) ||
            hc_create_sm(idlers[cpu].idle, 0, SEL_PD) ||
            thread_start(&t, SEL_PD, cpu, 1, idler, cpu))
            test_fail(__FILE__, __LINE__, "pauses_init", cpu, SUCCESS);
    }
}

void settle(void)
{
    for (unsigned cpu = 0; cpu < HIP->cpu_count; cpu++) {
        sm_up(idlers[cpu].asked);
        error_t error = sm_down(idlers[cpu].idle, tsc() + tsc_us(WAIT_US));
        if (error)
            test_fail(__FILE__, __LINE__, "settle", error, SUCCESS);
    }
}

// Other CPUs may hold what was freed for a moment: wait until the figure stands still.
static u64 read_account(sel_t pd, enum pd_op operation)
{
    u64 before = 0, value = 0;
    for (unsigned same = 0; same < 20;) {
        hc_raw(HC_pd_ctrl, pd, operation, 0, 0, 0, 0, &value);
        same = value == before ? same + 1 : 0;
        before = value;
        if (HIP->cpu_count > 1)
            sm_down(mapper.ec + 100000, 0);
        for (u64 end = tsc() + tsc_us(HIP->cpu_count > 1 ? 200 : 0); tsc() < end;)
            hc_plain(HC_lookup, 0, 0, 0, 0, 0, 0);
    }
    return value & 0xffffffff;
}

u64 read_kmem(sel_t pd)
{
    return read_account(pd, PD_READ_KMEM);
}

u64 read_caps(sel_t pd)
{
    return read_account(pd, PD_READ_CAPS);
}

static bool falls_to(sel_t pd, enum pd_op operation, u64 limit)
{
    u64 value = ~0ul;
    for (u64 end = tsc() + tsc_us(WAIT_US); value > limit && tsc() < end;)
        value = read_account(pd, operation);
    return value <= limit;
}

bool kmem_falls_to(u64 limit)
{
    return falls_to(SEL_PD, PD_READ_KMEM, limit);
}

bool kmem_of_falls_to(sel_t pd, u64 limit)
{
    return falls_to(pd, PD_READ_KMEM, limit);
}

bool caps_fall_to(u64 limit)
{
    return falls_to(SEL_PD, PD_READ_CAPS, limit);
}

void tests_run(const struct test *tests)
{
    for (; tests->name; tests++) {
        if (tests->cpus > HIP->cpu_count)
            continue;
        unsigned mark = stacks_mark();
        failed = stop = false;
        tests->run();
        stop = true; // what a failed test left running
        print(failed ? "test: FAIL " : "test: PASS ");
        print(tests->name);
        print("\n");
        *(failed ? &failed_count : &passed_count) += 1;
        stacks_release(mark);
    }
}

NORETURN void tests_finish(void)
{
    print("test: DONE ");
    print_number(passed_count);
    print(" passed, ");
    print_number(failed_count);
    print(" failed\n");
    machine_exit(failed_count != 0);
}

NORETURN void machine_exit(u32 code)
{
    __asm__ volatile("outl %0, %w1" ::"a"(code), "Nd"((u16)0xf4));
    for (;;)
        __asm__ volatile("pause");
}
