// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Exceptions. One in sigma0 itself is a bug and ends the machine's work: it is reported past all
// locks. One of init ends init: sigma0 has no policy to start it again. init's start-up exceptions
// are how its main thread begins.
#include "lib/rt/print.h"
#include "lib/rt/program.h"
#include "lib/rt/start.h"
#include "lib/rt/thread.h"
#include "sigma0/init.h"
#include "sigma0/sigma0.h"
#include "sigma0/uart.h"

enum { OWN_MTD = MTD_ALL, OWN_STARTUP_MTD = MTD_RIP | MTD_RSP };

static size_t describe(char *text, size_t size, const char *who, const struct exc_state *s,
                       unsigned cpu)
{
    return text_format(text, size,
                       "%s: exception %lu on CPU %u at 0x%lx, error 0x%lx, address 0x%lx\n"
                       "  rax %016lx rbx %016lx rcx %016lx rdx %016lx\n"
                       "  rsi %016lx rdi %016lx rbp %016lx rsp %016lx\n"
                       "  r8  %016lx r9  %016lx r10 %016lx r11 %016lx\n"
                       "  r12 %016lx r13 %016lx r14 %016lx r15 %016lx rflags %lx\n",
                       who, s->vector, cpu, s->rip, s->error_code, s->fault_address, s->rax, s->rbx,
                       s->rcx, s->rdx, s->rsi, s->rdi, s->rbp, s->rsp, s->r8, s->r9, s->r10, s->r11,
                       s->r12, s->r13, s->r14, s->r15, s->rflags);
}

__attribute__((used)) static void own_fault(word_t cpu, head_t h, word_t vector, word_t mtd,
                                            word_t address, word_t error)
{
    (void)h, (void)vector, (void)mtd, (void)address, (void)error;
    char text[1024];
    size_t length = describe(text, sizeof(text), "sigma0 (a bug)", utcb_exc(utcb()), (unsigned)cpu);
    uart_write(text, length < sizeof(text) ? length : sizeof(text) - 1);
    rt_halt();
}
PORTAL_RAW(own_fault_entry, own_fault);

void faults_create_own(unsigned cpu)
{
    sel_t first = cpu_selectors(cpu);
    for (unsigned vector = 0; vector <= EXC_STARTUP; vector++) {
        unsigned mtd = vector == EXC_STARTUP ? OWN_STARTUP_MTD : OWN_MTD;
        error_t error = object_pt(first + CPU_EXC_BASE + vector, first + CPU_EC_ECHO,
                                  own_fault_entry, mtd, cpu);
        if (error)
            print("no portal for exception %u of CPU %u: %s\n", vector, cpu, error_name(error));
    }
}

// init's exceptions: the identity word is CPU << 8 | vector.
__attribute__((used)) static void child_fault(word_t identity, head_t h, word_t vector, word_t mtd,
                                              word_t address, word_t error)
{
    (void)h, (void)mtd, (void)address, (void)error;
    char text[1024];
    describe(text, sizeof(text), "init", utcb_exc(utcb()), (unsigned)identity >> 8);
    print("%s", text);
    init_stop(vector == EXC_PAGE_FAULT ? "it touched memory that it does not have"
                                       : "it raised an exception");
    rt_halt(); // the caller must not go on; main takes it away
}
PORTAL_RAW(child_fault_entry, child_fault);

__attribute__((used)) static void child_startup(word_t identity, head_t h, word_t vector,
                                                word_t mtd, word_t address, word_t error)
{
    (void)h, (void)vector, (void)mtd, (void)address, (void)error;
    unsigned back = program_begin(utcb_exc(utcb()), init_entry(), (unsigned)identity >> 8);
    hc_reply(head(EXC_WORDS, 0), back, 0, 0, 0);
}
PORTAL_RAW(child_startup_entry, child_startup);

error_t faults_create_child(unsigned cpu, sel_t base)
{
    sel_t ec = cpu_selectors(cpu) + CPU_EC_FAULTS;
    error_t error = SUCCESS;
    for (unsigned vector = 0; vector < EXC_COUNT && !error; vector++) {
        bool startup = vector == EXC_STARTUP;
        error = object_pt(base + vector, ec, startup ? child_startup_entry : child_fault_entry,
                          startup ? MTD_RIP | MTD_RSP | MTD_GPR_BSD : MTD_ALL, cpu << 8 | vector);
    }
    return error;
}
