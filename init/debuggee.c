// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// A child that may be debugged (`debug = yes`): its life as child.c has it, but its domain is made
// by sigma0, of init's account, and it finds its address space at SEL_SPACE. So its threads, what
// it allocates and its exceptions can be supervised by who holds the domain's capability, which
// init gives out (debug.c). Its text is a copy of its own, which it cannot write and init can.
//
// Exceptions that find no answer wake the main thread, unless somebody supervises the child.
#include "init/init.h"
#include "lib/core/domain_program.h"
#include "lib/core/threads.h"
#include "lib/rt/selector.h"
#include "lib/rt/start.h"
#include "lib/rt/string.h"
#include "lib/rt/tsc.h"

enum { BOOKS_BYTES = 64 << 10 }; // for sigma0's books of what it attaches: 340 times
enum { BREAKPOINT = 0xcc, PATCHES_MAX = 512 };
enum { REST_LOOK_US = 1000, REST_MOST_US = 20000000 };

struct service_quota debuggee_quota(const struct child *child)
{
    struct service_quota quota = domain_program_cost(&child->elf);
    quota.ram = ALIGN_UP(quota.ram + BOOKS_BYTES, PAGE_SIZE);
    return quota;
}

error_t debuggee_domain(struct child *child)
{
    u64 caps;
    mutex_lock(&parent.lock);
    error_t error = account_before(child, &caps);
    parent_unlock(&parent);
    if (!error)
        error = domain_open_from(&child->pd, SEL_PD, ALIGN_DOWN(account_kmem(child), 64ul), caps,
                                 &child->domain);
    if (error) {
        child->domain.domain = SEL_NONE;
        return error;
    }
    child->image.space = child->domain.space;
    mutex_lock(&parent.lock);
    child->sel_pd = child->domain.pd;
    account_made(child, caps);
    parent_unlock(&parent);
    return SUCCESS;
}

// The main thread is the first of a session in the child's name, so it is called what it is called
// without `debug`.
static error_t create_thread(struct child *child)
{
    struct service_quota none = {0, 0};
    share_args(child, "", "", child->cpu_args, sizeof(child->cpu_args));
    error_t error = service_init(&child->cpu, "cpu", child->name, child->cpu_args, none);
    child->cpu_open = !error;
    if (!error)
        error = cpu_thread_create(&child->cpu, child->domain.domain, child_cpu(child),
                                  child->config.priority, UTCB_ADDR, "", &child->thread);
    if (error)
        return error;
    return debuggee_signal(child, main_waker());
}

error_t debuggee_create(struct child *child)
{
    error_t error =
        domain_program_selectors(&child->domain, child->sel_identity, child->client->portals);
    if (!error)
        error = create_thread(child);
    if (error)
        child_report(child, "no main thread that can be debugged: %s; caps %u, kmem %luKb",
                     error_name(error), child->config.caps, child->config.kmem_bytes / 1024);
    return error;
}

error_t debuggee_run(struct child *child)
{
    debug_begins(child);
    error_t error =
        cpu_thread_start(&child->cpu, child->thread, child->elf.entry, STACK_TOP, HIP_ADDR);
    if (error)
        child_report(child, "no scheduling context: %s", error_name(error));
    return error;
}

void debuggee_end(struct child *child)
{
    domain_close(&child->pd, &child->domain);
    selector_drop(child->thread);
    child->thread = SEL_NONE;
}

error_t debuggee_signal(struct child *child, sel_t semaphore)
{
    return cpu_exception_signal(&child->cpu, child->domain.domain, semaphore);
}

// The n-th part of the program that no thread of it can write: what it is, and where we see it.
static char *read_only(const struct child *child, unsigned n, struct elf_segment *s, size_t *bytes)
{
    size_t there;
    if (elf_segment(&child->elf, n, s) || s->flags & ELF_W)
        return NULL;
    char *view = program_image_view(&child->image, s->address, &there);
    *bytes = s->file_bytes < there ? s->file_bytes : there;
    return view;
}

char *debuggee_view(const struct child *child, word_t address, size_t *bytes)
{
    for (unsigned i = 0; i < child->elf.count; i++) {
        struct elf_segment s;
        char *view = read_only(child, i, &s, bytes);
        if (!view || address < s.address || address - s.address >= *bytes)
            continue;
        *bytes -= address - s.address;
        return view + (address - s.address);
    }
    return NULL;
}

// Where a debugger has changed the program: the changes are taken back.
struct patches {
    word_t address[PATCHES_MAX];
    unsigned count;
};

static void restore(const struct child *child, struct patches *p)
{
    for (unsigned i = 0; i < child->elf.count; i++) {
        struct elf_segment s;
        size_t bytes;
        char *view = read_only(child, i, &s, &bytes);
        if (!view || !memcmp(view, s.data, bytes))
            continue;
        for (size_t at = 0; at < bytes; at++) {
            char was = ((const char *)s.data)[at];
            if (view[at] == was)
                continue;
            if ((u8)view[at] == BREAKPOINT && p->count < PATCHES_MAX)
                p->address[p->count++] = s.address + at;
            __atomic_store_n(&view[at], was, __ATOMIC_RELEASE);
        }
    }
}

static bool patched(const struct patches *p, word_t address)
{
    for (unsigned i = 0; i < p->count; i++) {
        if (p->address[i] == address)
            return true;
    }
    return false;
}

static void pause_for_rest(void)
{
    static sel_t never = SEL_NONE;
    if (never == SEL_NONE && semaphore_create(0, &never))
        return;
    (void)!hc_sm_down(never, deadline_in_us(REST_LOOK_US));
}

// Pauses it: what it was about to do it has done then, or not begun.
static error_t rest(struct child *child, sel_t thread, enum thread_state *what,
                    struct exc_state *state)
{
    error_t error = cpu_thread_pause(&child->cpu, thread);
    if (error)
        return error;
    for (u64 end = deadline_in_us(REST_MOST_US); rdtsc() < end; pause_for_rest()) {
        error = cpu_thread_read(&child->cpu, thread, what, state);
        if (error != EBUSY)
            return error;
    }
    return EBUSY;
}

// One that hit a breakpoint which is gone goes back to what belongs there.
static void let_go(struct child *child, const struct thread_entry *e, const struct patches *p)
{
    enum thread_state what;
    struct exc_state state;
    if (!rest(child, e->thread, &what, &state) && what == THREAD_STOPPED &&
        state.vector == EXC_BREAKPOINT && !patched(p, state.rip) && patched(p, state.rip - 1)) {
        state.rip--;
        (void)!cpu_thread_write(&child->cpu, e->thread, MTD_RIP, &state);
    }
    (void)!cpu_thread_resume(&child->cpu, e->thread);
}

// What its debugger knew its threads by, and we too: its main thread is its first.
static void recall(struct child *child)
{
    struct thread_entry e;
    if (domain_recall_threads(&child->pd, &child->domain))
        child_report(child, "its threads stay known to its debugger");
    else if (!cpu_next_thread(&child->cpu, child->domain.domain, 0, &e)) {
        selector_drop(child->thread);
        child->thread = e.thread;
    }
}

void debuggee_release(struct child *child)
{
    static struct patches patches;
    struct thread_entry e;
    u64 after = 0;
    patches.count = 0;
    restore(child, &patches);
    if (debuggee_signal(child, main_waker()))
        child_report(child, "its exceptions are not seen at once any more");
    while (!cpu_next_thread(&child->cpu, child->domain.domain, after, &e)) {
        after = e.number;
        let_go(child, &e, &patches);
        selector_drop(e.thread);
    }
    recall(child);
    hc_revoke(SEL_PD, crd(CRD_OBJ, child->domain.domain, 0, RIGHT_ALL), 0);
    main_wake(); // for what happened meanwhile
}

static void answer(struct child *child, const struct thread_exception *e)
{
    const struct exc_state state = {.vector = e->vector,
                                    .error_code = e->error_code,
                                    .fault_address = e->address,
                                    .rip = e->ip,
                                    .rsp = e->sp};
    fault_report(child, &state, e->cpu);
    child_notify(child, NOTE_FAULT);
}

void debuggee_attend(struct child *child)
{
    struct thread_exception e;
    if (child->domain.domain == SEL_NONE || child->state != CHILD_RUNNING)
        return;
    mutex_lock(&debug_lock);
    while (child->debug.up && !child->debug.attached &&
           !(__atomic_load_n(&child->notes, __ATOMIC_ACQUIRE) & NOTE_FAULT) &&
           !cpu_next_exception(&child->cpu, child->domain.domain, &e)) {
        answer(child, &e);
        selector_drop(e.thread);
    }
    mutex_unlock(&debug_lock);
}
