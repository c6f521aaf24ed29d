// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Exceptions of domains (exceptions.h). A message tells the domain by its portal and the thread by
// the tag that sigma0 gave it; the tag counts only if that thread may be one of this domain.
#include "sigma0/exceptions.h"
#include "lib/rt/selector.h"
#include "lib/rt/start.h"

enum { STACK_BYTES = 2 * PAGE_SIZE };

static struct mutex lock = MUTEX_INIT;
static struct thread handlers[MAX_CPUS];
static bool prepared;

error_t exceptions_prepare(void)
{
    error_t error = SUCCESS;
    if (__atomic_load_n(&prepared, __ATOMIC_ACQUIRE))
        return SUCCESS;
    mutex_lock(&lock);
    for (unsigned cpu = 0; cpu < hip()->cpu_count && !prepared && !error; cpu++) {
        if (!handlers[cpu].block) // else made by an attempt that failed later
            error = thread_create_handler(&handlers[cpu], cpu, STACK_BYTES);
        if (error)
            handlers[cpu].block = NULL;
    }
    if (!error)
        __atomic_store_n(&prepared, true, __ATOMIC_RELEASE);
    mutex_unlock(&lock);
    return error;
}

// The thread of that tag, if it may be one of the domain: a thread that was made elsewhere and
// admitted becomes one by its first exception there.
static struct subject *subject_of(struct domain *d, word_t tag)
{
    struct subject *s = tag ? subject_find(crd(CRD_OBJ, tag, 0, 0)) : NULL;
    if (!s)
        return NULL;
    mutex_lock(&d->lock);
    domain_enter(d, s);
    bool ours = s->domain == d;
    mutex_unlock(&d->lock);
    if (ours)
        return s;
    subject_put(s);
    return NULL;
}

// No answer: the thread stops, and who supervises it hears of it, maybe before our reply is sent:
// which therefore writes nothing back.
static void stop(struct domain *d, struct subject *s, const struct exc_state *state)
{
    mutex_lock(&d->lock);
    sel_t signal = d->signal;
    if (s) {
        s->vector = state->vector;
        s->error_code = state->error_code;
        s->fault_address = state->fault_address;
        s->stopped = true;
        fault_wait_hold(&s->wait, true);
        if (list_empty(&s->in_events))
            list_push_back(&d->events, &s->in_events);
        if (s->signal != SEL_NONE)
            signal = s->signal;
    } else {
        // Nobody has a hold on it: with its portal gone the kernel stops it for good.
        hc_revoke(SEL_PD, crd(CRD_OBJ, d->exceptions + thread_cpu(), 0, RIGHT_ALL), 0);
        if (!d->stray.valid)
            d->stray = (struct stray){state->vector, state->error_code, state->fault_address,
                                      state->rip,    state->rsp,        thread_cpu(),
                                      true};
    }
    if (signal != SEL_NONE)
        hc_sm_up(signal);
    mutex_unlock(&d->lock);
}

static unsigned access_of(word_t error_code)
{
    return error_code & 16 ? MEM_X : error_code & 2 ? MEM_W : MEM_R;
}

// Returns the MTD of what is to be written back.
static unsigned answer(struct domain *d, struct exc_state *state)
{
    struct subject *s = subject_of(d, state->tag);
    unsigned back = 0;
    if (state->vector == EXC_STARTUP && s && s->started) {
        struct exc_state *out = utcb_exc(utcb());
        out->rip = s->ip;
        out->rsp = s->sp;
        out->rdi = s->argument;
        out->rsi = thread_cpu();
        back = MTD_RIP | MTD_RSP | MTD_GPR_BSD;
    } else if (state->vector == EXC_PAGE_FAULT) {
        enum fault_outcome outcome =
            region_map_fault(d->space, state->fault_address / PAGE_SIZE,
                             access_of(state->error_code), s ? &s->wait : NULL);
        if (outcome != FAULT_RESOLVED && outcome != FAULT_WAITS)
            stop(d, s, state);
    } else {
        stop(d, s, state);
    }
    if (s)
        subject_put(s);
    return back;
}

__attribute__((used)) static void exception(word_t identity, head_t h, word_t vector, word_t mtd,
                                            word_t address, word_t error)
{
    (void)h, (void)vector, (void)mtd, (void)address, (void)error;
    struct exc_state state = *utcb_exc(utcb()); // answering uses the UTCB
    struct named *named = named_find(crd(CRD_OBJ, identity, 0, 0), NAMED_DOMAIN);
    unsigned back = 0;
    if (named) {
        back = answer(CONTAINER_OF(named, struct domain, named), &state);
        named_put(named);
    }
    hc_reply(head(EXC_WORDS, 0), back, 0, 0, 0);
}
PORTAL_RAW(exception_entry, exception);

error_t exception_portal(unsigned cpu, sel_t sel, sel_t domain)
{
    return portal_create_at(sel, &handlers[cpu], exception_entry, MTD_ALL, domain);
}
