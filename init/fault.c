// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The children's exceptions: one handler a CPU, one portal a child there, which stands at all of
// the child's exception selectors. A start-up exception of the main thread is how it begins. Any
// other ends the child: its portal is taken from it, so that its thread, which goes back to the
// same instruction, finds no handler and is stopped by the kernel; the rest is the main thread's
// work.
#include "init/init.h"
#include "lib/rt/program.h"
#include "lib/rt/selector.h"
#include "lib/rt/start.h"

static struct thread handler[MAX_CPUS];

static unsigned cpu_order(void)
{
    return selector_order(hip()->cpu_count);
}

static const char *what(word_t vector)
{
    switch (vector) {
    case 0: return "division error";
    case 3: return "breakpoint";
    case 6: return "invalid instruction";
    case 13: return "general protection fault";
    case EXC_PAGE_FAULT: return "page fault";
    case EXC_STARTUP: return "a thread without a start";
    case EXC_RECALL: return "recall";
    default: return "exception";
    }
}

void fault_report(const struct child *child, const struct exc_state *s, unsigned cpu)
{
    char where[64] = "";
    if (s->vector == EXC_PAGE_FAULT)
        text_format(where, sizeof(where), " at address 0x%lx (%s)", s->fault_address,
                    s->error_code & 16  ? "execute"
                    : s->error_code & 2 ? "write"
                                        : "read");
    child_report(child, "%s%s, ip 0x%lx, sp 0x%lx, CPU %u", what(s->vector), where, s->rip, s->rsp,
                 cpu);
}

static bool is_main_start(const struct child *child, const struct exc_state *s)
{
    unsigned cpu = child_cpu(child);
    return s->vector == EXC_STARTUP && thread_cpu() == cpu && s->rsp == STACK_TOP;
}

// Whether that life goes on. Under parent.lock.
static bool goes_on(const struct child *child, u32 life)
{
    return child->life == life && child->state != CHILD_ENDING;
}

// Takes its portal from the child, unless that has another life by now: what stands at its
// selectors then is the next one's. False if this life is over or ends, whose memory goes before
// its threads do.
static bool stop(const struct child *child, u32 life)
{
    mutex_lock(&parent.lock);
    if (child->life == life && child->exceptions != SEL_NONE)
        hc_revoke(SEL_PD, crd(CRD_OBJ, child->exceptions + thread_cpu(), 0, RIGHT_ALL), 0);
    bool lives = goes_on(child, life);
    mutex_unlock(&parent.lock);
    return lives;
}

__attribute__((used)) static void fault(word_t identity, head_t h, word_t vector, word_t mtd,
                                        word_t address, word_t error)
{
    (void)h, (void)vector, (void)mtd, (void)address, (void)error;
    struct child *child = &children[(u32)identity];
    u32 life = identity >> 32;
    struct exc_state state = *utcb_exc(utcb()); // a report uses the UTCB
    if (is_main_start(child, &state)) {
        unsigned back = program_begin(utcb_exc(utcb()), child->elf.entry, thread_cpu());
        hc_reply(head(EXC_WORDS, 0), back, 0, 0, 0);
    }
    if (!stop(child, life))
        hc_reply(head(EXC_WORDS, 0), 0, 0, 0, 0);
    fault_report(child, &state, thread_cpu());
    mutex_lock(&parent.lock);
    if (goes_on(child, life)) // a line takes long
        child_notify(child, NOTE_FAULT);
    mutex_unlock(&parent.lock);
    hc_reply(head(EXC_WORDS, 0), 0, 0, 0, 0);
}
PORTAL_RAW(fault_entry, fault);

error_t faults_start(void)
{
    error_t error = SUCCESS;
    for (unsigned cpu = 0; cpu < hip()->cpu_count && !error; cpu++)
        error = thread_create_handler(&handler[cpu], cpu, 0);
    return error;
}

error_t faults_create(struct child *child)
{
    child->exceptions = selector_alloc_range(cpu_order());
    if (child->exceptions == SEL_NONE)
        return ERESOURCE;
    error_t error = SUCCESS;
    for (unsigned cpu = 0; cpu < hip()->cpu_count && !error; cpu++)
        error = portal_create_at(child->exceptions + cpu, &handler[cpu], fault_entry, MTD_ALL,
                                 child->index | (word_t)child->life << 32);
    return error;
}

void faults_destroy(struct child *child)
{
    mutex_lock(&parent.lock);
    sel_t first = child->exceptions;
    child->exceptions = SEL_NONE;
    mutex_unlock(&parent.lock);
    if (first == SEL_NONE)
        return;
    hc_revoke(SEL_PD, crd(CRD_OBJ, first, cpu_order(), RIGHT_ALL), REVOKE_SELF);
    selector_free_range(first, cpu_order());
}
