// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Exceptions of domains (exceptions.h). A message tells the domain by its portal and the thread by
// the tag that sigma0 gave it; the tag counts only if that thread may be one of this domain.
#include "sigma0/exceptions.h"
#include "lib/rt/print.h"
#include "lib/rt/selector.h"
#include "lib/rt/start.h"
#include "sigma0/subjects.h"

enum { STACK_BYTES = 2 * PAGE_SIZE };

static struct mutex lock = MUTEX_INIT;
static struct thread handlers[MAX_CPUS];
static bool prepared;

// Without a place among the threads that can be traced it serves as well.
static void show(unsigned cpu)
{
    char name[16];
    text_format(name, sizeof(name), "exceptions %u", cpu);
    (void)!subject_list_own(handlers[cpu].ec, name);
}

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
        else
            show(cpu);
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
    struct named *named = named_find_word(tag, NAMED_THREAD);
    if (!named)
        return NULL;
    struct subject *s = CONTAINER_OF(named, struct subject, named);
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
// which therefore writes nothing back. One that has ended meanwhile is in no list any more, and
// must not get into another. False: it goes on, since what came is the end of a step that nobody
// waits for any more; with its trap flag, in *flags, if another step has begun. Both are decided at
// once, since who resumes it relies on either (thread_state.c).
static bool stop(struct domain *d, struct subject *s, const struct stray *what, word_t *flags)
{
    mutex_lock(&d->lock);
    sel_t signal = d->signal;
    bool stops = !s || !s->trap_left || what->vector != EXC_TRAP;
    if (!stops) {
        s->trap_left = false;
        s->dropping = true;
        *flags = (*flags & ~(word_t)FLAG_TRAP) | (s->stepping ? FLAG_TRAP : 0);
        signal = SEL_NONE;
    } else if (s) {
        s->dropping = false;
        s->exception = *what;
        s->stopped = true;
        fault_wait_hold(&s->wait, true);
        if (list_empty(&s->in_events) && !list_empty(&s->in_domain))
            list_push_back(&d->events, &s->in_events);
        if (s->signal != SEL_NONE)
            signal = s->signal;
    } else {
        // Nobody has a hold on it: with its portals gone the kernel stops it for good.
        sel_t first = d->exceptions + (thread_cpu() << EXCEPTION_ORDER);
        hc_revoke(SEL_PD, crd(CRD_OBJ, first, EXCEPTION_ORDER, RIGHT_ALL), 0);
        if (!d->stray.valid)
            d->stray = *what;
    }
    if (signal != SEL_NONE)
        hc_sm_up(signal);
    mutex_unlock(&d->lock);
    return stops;
}

static struct domain *domain_of(word_t identity)
{
    struct named *named = named_find_word(identity, NAMED_DOMAIN);
    return named ? CONTAINER_OF(named, struct domain, named) : NULL;
}

// What the kernel tells of an exception, taken out of the UTCB, which answering uses.
static struct stray told(word_t vector, word_t address, word_t error)
{
    const struct exc_state *state = utcb_exc(utcb());
    return (struct stray){vector, error, address, state->rip, state->rsp, thread_cpu(), true};
}

static unsigned access_of(word_t error_code)
{
    return error_code & 16 ? MEM_X : error_code & 2 ? MEM_W : MEM_R;
}

// Who the thread is matters only if it cannot go on at once.
static void resolve_fault(struct domain *d, const struct stray *what, word_t tag)
{
    u64 page = what->address / PAGE_SIZE;
    unsigned access = access_of(what->error_code);
    enum fault_outcome outcome = region_map_fault(d->space, page, access);
    if (LIKELY(outcome == FAULT_RESOLVED))
        return;
    struct subject *s = subject_of(d, tag);
    if (outcome == FAULT_NESTED)
        outcome = region_map_fault_nested(d->space, page, access, s ? &s->wait : NULL);
    if (outcome != FAULT_RESOLVED && outcome != FAULT_WAITS)
        (void)stop(d, s, what, NULL);
    if (s)
        subject_put(s);
}

__attribute__((used)) static void page_fault(word_t identity, head_t h, word_t vector, word_t mtd,
                                             word_t address, word_t error)
{
    (void)h, (void)mtd;
    struct stray what = told(vector, address, error);
    word_t tag = utcb_exc(utcb())->tag;
    struct domain *d = domain_of(identity);
    if (d) {
        resolve_fault(d, &what, tag);
        domain_put(d);
    }
    hc_reply(head(EXC_WORDS, 0), 0, 0, 0, 0);
}
PORTAL_RAW(page_fault_entry, page_fault);

// All but page faults: a thread's start is what its starter said, a step that nobody wants any more
// goes on, the rest finds no answer here.
__attribute__((used)) static void exception(word_t identity, head_t h, word_t vector, word_t mtd,
                                            word_t address, word_t error)
{
    (void)h, (void)mtd;
    struct stray what = told(vector, address, error);
    word_t tag = utcb_exc(utcb())->tag, flags = utcb_exc(utcb())->rflags;
    struct domain *d = domain_of(identity);
    struct subject *s = d ? subject_of(d, tag) : NULL;
    unsigned back = 0;
    if (vector == EXC_STARTUP && s && s->started) {
        struct exc_state *out = utcb_exc(utcb());
        mutex_lock(&d->lock);
        s->begun = true;
        out->rip = s->ip;
        out->rsp = s->sp;
        out->rdi = s->argument;
        mutex_unlock(&d->lock);
        out->rsi = thread_cpu();
        back = MTD_RIP | MTD_RSP | MTD_GPR_BSD;
    } else if (d && !stop(d, s, &what, &flags)) {
        utcb_exc(utcb())->rflags = flags;
        back = MTD_RFLAGS;
    }
    if (s)
        subject_put(s);
    if (d)
        domain_put(d);
    hc_reply(head(EXC_WORDS, 0), back, 0, 0, 0);
}
PORTAL_RAW(exception_entry, exception);

error_t exception_portals(unsigned cpu, sel_t first, word_t domain)
{
    static const struct {
        portal_entry_t entry;
        unsigned mtd;
    } kinds[EXCEPTION_PORTALS] = {
        [EXCEPTION_FAULT] = {page_fault_entry, MTD_RIP | MTD_RSP},
        [EXCEPTION_STARTUP] = {exception_entry, MTD_RIP | MTD_RSP | MTD_GPR_BSD},
        [EXCEPTION_OTHER] = {exception_entry, MTD_RIP | MTD_RSP | MTD_RFLAGS},
    };
    error_t error = SUCCESS;
    for (unsigned i = 0; i < EXCEPTION_PORTALS && !error; i++)
        error = portal_create_at(first + i, &handlers[cpu], kinds[i].entry, kinds[i].mtd, domain);
    return error;
}
