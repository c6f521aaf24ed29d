// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// A domain to experiment with (space.h).
#include "test/system/core/space.h"
#include "test/system/wait.h"
#include "lib/rt/address.h"
#include "lib/rt/selector.h"
#include "lib/rt/start.h"
#include "lib/rt/string.h"
#include "lib/rt/tsc.h"

__asm__(".pushsection .text.pieces, \"ax\"\n"
        "piece_count: incq (%rdi)\n\tjmp piece_count\n"
        ".balign 64\n"
        "piece_touch: mov %rdi, (%rdi)\n\tmov $0x500000, %eax\n\tjmp 9f\n"
        ".balign 64\n"
        "piece_read: mov (%rdi), %rcx\n\tmov $0x500000, %eax\n\tmov %rcx, 64(%rax)\n\tjmp 9f\n"
        ".balign 64\n"
        "piece_jump: jmp *%rdi\n"
        ".balign 64\n"
        "piece_up: mov %edi, %ebx\n\tmov $14, %eax\n\txor %esi, %esi\n\tsyscall\n"
        "1:\tlea 1(%rbx), %edi\n\tmov $14, %eax\n\tmov $1, %esi\n\txor %edx, %edx\n\tsyscall\n"
        "\tjmp 1b\n"
        ".balign 64\n"
        "piece_pong: mov %edi, %ebx\n"
        "1:\tmov %ebx, %edi\n\tmov $14, %eax\n\tmov $3, %esi\n\txor %edx, %edx\n\tsyscall\n"
        "\tlea 1(%rbx), %edi\n\tmov $14, %eax\n\txor %esi, %esi\n\tsyscall\n\tjmp 1b\n"
        ".balign 64\n"
        "piece_time: mov $0x500000, %ebx\n\tmov $0x500200, %ebp\n"
        "1:\trdtsc\n2:\tmov %eax, %ecx\n\tmov %rdi, (%rdi)\n3:\trdtsc\n\tsub %ecx, %eax\n"
        "\tmov %rax, (%rbp)\n\tadd $8, %rbp\n\tadd $8192, %rdi\n\tdecq 8(%rbx)\n\tjnz 1b\n"
        "\tmov %rbx, %rax\n\tjmp 9f\n"
        ".balign 64\n"
        "piece_call: mov %rdi, %rbx\n\tmov $0x500000, %ebp\n"
        "1:\tmov %rbx, %rdi\n\txor %eax, %eax\n\tmov $1, %esi\n\tmov $0x1234, %edx\n\tsyscall\n"
        "\tmov %rax, 64(%rbp)\n\tmov %rdx, 72(%rbp)\n\tincq (%rbp)\n\tjmp 1b\n"
        ".balign 64\n"
        "piece_fpu: movq %rdi, %xmm3\n1:\tmovq %xmm3, 0x500040\n\tincq 0x500000\n\tjmp 1b\n"
        ".balign 64\n"
        "9:\tincq (%rax)\n\tjmp 9b\n"
        "pieces_end:\n"
        // Where tools/profile counts a fault.
        ".globl profile_begin_fault, profile_end_fault\n"
        ".set profile_begin_fault, 0x400000 + (2b - piece_count)\n"
        ".set profile_end_fault, 0x400000 + (3b - piece_count)\n\t.popsection");
extern const char piece_count[], piece_touch[], piece_read[], piece_jump[], piece_up[],
    piece_pong[], piece_time[], piece_call[], piece_fpu[], pieces_end[];

word_t piece(enum code_piece p)
{
    const char *const start[PIECES] = {piece_count, piece_touch, piece_read, piece_jump, piece_up,
                                       piece_pong,  piece_time,  piece_call, piece_fpu};
    return CODE + (word_t)(start[p] - piece_count);
}

bool becomes(volatile u64 *word, u64 value)
{
    for (u64 end = deadline_in_us(PATIENCE_US); *word != value && rdtsc() < end;)
        pause_us(1000);
    return *word == value;
}

bool becomes_other(volatile u64 *word, u64 value)
{
    for (u64 end = deadline_in_us(PATIENCE_US); *word == value && rdtsc() < end;)
        pause_us(1000);
    return *word != value;
}

bool moves(volatile u64 *counter)
{
    return becomes_other(counter, *counter);
}

bool stands_still(volatile u64 *counter)
{
    u64 before = *counter;
    pause_us(5000);
    return *counter == before;
}

bool comes_to_rest(volatile u64 *counter)
{
    bool rests = false;
    for (u64 end = deadline_in_us(PATIENCE_US); !rests && rdtsc() < end;)
        rests = stands_still(counter);
    return rests;
}

sel_t space_memory(struct space *s, size_t bytes, volatile u64 **at)
{
    struct utcb_copy copy;
    sel_t ds = selector_alloc();
    word_t address = address_alloc(bytes);
    utcb_save(&copy);
    error_t error = dataspace_alloc_at(&s->pd, bytes, PD_ATTACH, ds, address, address_order(bytes));
    utcb_restore(&copy);
    *at = (volatile u64 *)address;
    return error ? SEL_NONE : ds;
}

error_t space_attach(struct space *s, sel_t ds, word_t address, unsigned flags)
{
    struct rm_window w = {0, 0, address, flags};
    return rm_attach(&s->pd, s->domain.space, ds, &w, NULL);
}

bool space_open_from(struct space *s, sel_t account)
{
    static const char priority[] = "50";
    volatile u64 *code = NULL, *shared = NULL;
    memset(s, 0, sizeof(*s));
    if (service_init(&s->pd, "pd", "space", "", (struct service_quota){SPACE_RAM, SPACE_SLOTS}) ||
        service_init(&s->cpu, "cpu", "space", priority, (struct service_quota){0, 0}))
        return false;
    if (account == SEL_NONE ? domain_open(&s->pd, SPACE_KMEM, SPACE_CAPS, &s->domain)
                            : domain_open_from(&s->pd, account, SPACE_KMEM, SPACE_CAPS, &s->domain))
        return false;
    if (semaphore_create(0, &s->signal))
        return false;
    s->code_ds = space_memory(s, PAGE_SIZE, &code);
    s->shared_ds = space_memory(s, PAGE_SIZE, &shared);
    if (s->code_ds == SEL_NONE || s->shared_ds == SEL_NONE)
        return false;
    memcpy((void *)code, piece_count, (size_t)(pieces_end - piece_count));
    s->shared = (struct shared *)(word_t)shared;
    return !space_attach(s, s->code_ds, CODE, RM_EXECUTE) &&
           !space_attach(s, s->shared_ds, SHARED, RM_WRITE) &&
           !cpu_exception_signal(&s->cpu, s->domain.domain, s->signal);
}

bool space_open(struct space *s)
{
    return space_open_from(s, SEL_NONE);
}

void space_close(struct space *s)
{
    service_close(&s->cpu);
    domain_close(&s->pd, &s->domain);
    service_close(&s->pd);
    selector_drop(s->signal);
    selector_drop(s->code_ds);
    selector_drop(s->shared_ds);
}

sel_t space_thread(struct space *s, unsigned cpu, enum code_piece p, word_t argument)
{
    sel_t thread;
    if (cpu_thread_create(&s->cpu, s->domain.domain, cpu, 20, UTCBS + PAGE_SIZE * s->threads++,
                          "thread", &thread))
        return SEL_NONE;
    return cpu_thread_start(&s->cpu, thread, piece(p), 0, argument) ? SEL_NONE : thread;
}

error_t space_exception(struct space *s, struct thread_exception *exception)
{
    error_t error = hc_sm_down(s->signal, deadline_in_us(PATIENCE_US));
    return error ? error : cpu_next_exception(&s->cpu, s->domain.domain, exception);
}

error_t space_registers(struct space *s, sel_t thread, enum thread_state *what,
                        struct exc_state *state)
{
    error_t error = cpu_thread_read(&s->cpu, thread, what, state);
    for (u64 end = deadline_in_us(PATIENCE_US); error == EBUSY && rdtsc() < end;) {
        pause_us(1000);
        error = cpu_thread_read(&s->cpu, thread, what, state);
    }
    return error;
}

bool space_halt(struct space *s, sel_t thread)
{
    enum thread_state what;
    struct exc_state state;
    bool halted = !cpu_thread_pause(&s->cpu, thread) && !space_registers(s, thread, &what, &state);
    selector_drop(thread);
    return halted;
}

bool space_reads(struct space *s, word_t address, u64 expected)
{
    s->shared->value[0] = ~expected;
    sel_t thread = space_thread(s, s->threads % hip()->cpu_count, PIECE_READ, address);
    bool so = becomes(&s->shared->value[0], expected);
    return space_halt(s, thread) && so;
}

bool space_faults(struct space *s, enum code_piece p, word_t address)
{
    struct thread_exception e = {.thread = SEL_NONE};
    sel_t thread = space_thread(s, s->threads % hip()->cpu_count, p, address);
    bool so = !space_exception(s, &e) && e.vector == EXC_PAGE_FAULT && e.address == address;
    selector_drop(e.thread);
    return space_halt(s, thread) && so;
}

u64 space_kmem(const struct space *s)
{
    u64 used, limit;
    return hc_pd_read(s->domain.pd, PD_READ_KMEM, &used, &limit) ? 0 : used;
}

u64 space_takes(struct space *s, enum code_piece p, word_t address)
{
    sel_t thread;
    volatile u64 *counter = &s->shared->counter[0];
    u64 idle = *counter; // of those before it none runs any more
    s->shared->counter[1] = p == PIECE_TIME ? SPACE_TOUCHED / 2 : 0;
    if (cpu_thread_create(&s->cpu, s->domain.domain, 0, 20, UTCBS + PAGE_SIZE * s->threads++,
                          "touch", &thread))
        return ~0ul;
    u64 before = space_kmem(s);
    if (cpu_thread_start(&s->cpu, thread, piece(p), 0, address))
        return ~0ul;
    bool through = becomes_other(counter, idle) && !s->shared->counter[1];
    u64 after = space_kmem(s);
    return space_halt(s, thread) && through ? after - before : ~0ul;
}
