// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The kernel is built without frame pointers, so the back trace is a search: each word on the stack
// that points into text just behind a call instruction. It may name calls that have returned
// already; it does not miss any. `addr2line -fe kernel.elf` turns the addresses into lines.

#include "kernel/panic.h"
#include "kernel/arch/x86_64/lapic.h"
#include "kernel/arch/x86_64/layout.h"
#include "kernel/arch/x86_64/serial.h"
#include "kernel/arch/x86_64/smp.h"
#include "kernel/arch/x86_64/x86.h"
#include "kernel/print.h"

enum { TRACE_WORDS_MAX = 1024, TRACE_CALLS_MAX = 20 };
enum { NMI_GRACE_SPINS = 100000 };

const void *(*panic_current_ec)(void);
static bool panicking;

static bool in_text(u64 address)
{
    return address > (u64)__text_start + 7 && address < (u64)__text_end;
}

// E8 rel32, or FF /2 with up to six bytes of operand (SDM 2A, CALL).
static bool behind_call(u64 address)
{
    const u8 *end = (const u8 *)address;

    if (end[-5] == 0xe8)
        return true;
    for (unsigned length = 2; length <= 7; length++)
        if (end[-(int)length] == 0xff && (end[1 - (int)length] & 0x38) == 0x10)
            return true;
    return false;
}

static bool is_kernel_address(u64 address)
{
    return address >= DIRECT_MAP && address % sizeof(u64) == 0 &&
           (address < DIRECT_MAP + BOOT_MAP_SIZE ||
            (address >= (u64)__data_start && address < (u64)__bss_end));
}

static void print_trace(u64 rip, u64 rsp)
{
    unsigned calls = 0;

    kprintf("  back trace:");
    if (in_text(rip))
        kprintf(" %lx", rip);
    for (unsigned i = 0; i < TRACE_WORDS_MAX && calls < TRACE_CALLS_MAX; i++) {
        u64 at = rsp + i * sizeof(u64);
        if (!is_kernel_address(at))
            break;
        u64 word = *(const u64 *)at;
        if (in_text(word) && behind_call(word)) {
            kprintf(" %lx", word);
            calls++;
        }
    }
    kprintf("\n");
}

static void print_registers(const struct exc_state *s)
{
    kprintf("  vector %lu  error %lx  fault address %lx\n", s->vector, s->error_code,
            s->fault_address);
    kprintf("  rip %016lx  rsp %016lx  rflags %lx\n", s->rip, s->rsp, s->rflags);
    kprintf("  rax %016lx  rbx %016lx  rcx %016lx  rdx %016lx\n", s->rax, s->rbx, s->rcx, s->rdx);
    kprintf("  rsi %016lx  rdi %016lx  rbp %016lx  r8  %016lx\n", s->rsi, s->rdi, s->rbp, s->r8);
    kprintf("  r9  %016lx  r10 %016lx  r11 %016lx  r12 %016lx\n", s->r9, s->r10, s->r11, s->r12);
    kprintf("  r13 %016lx  r14 %016lx  r15 %016lx\n", s->r13, s->r14, s->r15);
}

static NORETURN void halt(void)
{
    for (;;) {
        cli();
        hlt();
    }
}

void panic_nmi(void)
{
    if (__atomic_load_n(&panicking, __ATOMIC_ACQUIRE))
        halt();
}

void panic_at(const char *file, unsigned line, const struct exc_state *state, const void *ec,
              const char *format, ...)
{
    va_list arguments;

    cli();
    if (__atomic_exchange_n(&panicking, true, __ATOMIC_ACQ_REL))
        halt();
    lapic_nmi_all_others();
    for (unsigned i = 0; i < NMI_GRACE_SPINS; i++) // a line of another CPU may be under way
        cpu_pause();
    serial_init(); // a user-level driver may have left it in any state

    if (!ec && panic_current_ec)
        ec = panic_current_ec();
    kprintf("\nKERNEL PANIC: ");
    va_start(arguments, format);
    kvprintf(format, arguments);
    va_end(arguments);
    kprintf("\n  at %s:%u  CPU %u  EC %p\n", file, line, smp_this_cpu(), ec);
    kprintf("  cr0 %lx  cr2 %lx  cr3 %lx  cr4 %lx\n", read_cr0(), read_cr2(), read_cr3(),
            read_cr4());
    if (state) {
        print_registers(state);
        print_trace(state->rip, state->rsp);
    } else {
        u64 rsp;
        __asm__ volatile("mov %%rsp, %0" : "=r"(rsp));
        print_trace(0, rsp);
    }
    kprintf("  all CPUs are stopped\n");
    halt();
}
