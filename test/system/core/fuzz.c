// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// A fuzzer that gets somewhere: requests of every operation of sigma0's services, from all CPUs,
// for a fixed count and from a fixed seed, which are right more often than not: names are taken
// from what earlier answers brought, numbers from where they make sense. Each operation has to
// succeed now and then, or the fuzzer proves nothing (random_requests_harm_nobody of hostile.c,
// whose requests are noise, is refused nearly always). Afterwards the sums still add up.
#include "lib/core/dataspace.h"
#include "lib/rt/selector.h"
#include "lib/rt/start.h"
#include "lib/rt/string.h"
#include "lib/rt/thread.h"
#include "lib/rt/tsc.h"
#include "test/system/check.h"
#include "test/system/core/core.h"
#include "test/system/core/space.h"

enum { MEBI = 1 << 20, REQUESTS = 12000, GROUPS = 32, GROUP_ORDER = 3, GROUP = 1 << GROUP_ORDER };

enum target { PD, RM, CPU, TRACE, IO_PORT, IRQ, IO_MEM, ROM, LOG, TARGETS };
static const struct {
    const char *name, *args;
    u64 ram;
} services[TARGETS] = {[PD] = {"pd", "", 2 * MEBI},
                       [RM] = {"rm", "", MEBI},
                       [CPU] = {"cpu", "10", 0},
                       [TRACE] = {"trace", "", 0},
                       [IO_PORT] = {"io_port", "0xe0,4", 0},
                       [IRQ] = {"irq", "msi", 0},
                       [IO_MEM] = {"io_mem", "0xfd000000,0x3001", 0},
                       [ROM] = {"rom", "init", 0},
                       [LOG] = {"log", "read", 0}};
static struct service_client targets[TARGETS], reference;

// A request: a letter a word or item, and what its answer brings from hotspot 0 on.
//   words: b bytes of a few pages, o offset, a address, f flags, q amount of quota, 0 zero or one,
//     k kernel memory, s slots, c CPU, p priority, u UTCB's address, i address of code, t thread's
//     number, r bytes of a ring, e events, w port and width, x registers, n a text
//   items and answers: D dataspace, M region map, A a domain's, P domain, T thread, S semaphore
//   (delegated),
//     O portal (delegated), R another "pd" session, H a handler (delegated), - anything else
struct row {
    enum target target;
    u8 operation;
    bool succeeds; // it has to, now and then; without: what it needs is rare here
    const char *words, *items, *gives;
};
static const struct row rows[] = {
    {PD, PD_SERVICE_ALLOC, true, "bf", "", "D"},
    {PD, PD_SERVICE_ALLOC, true, "bf", "", "D"},
    {PD, PD_SERVICE_ATTACH, true, "f", "D", ""},
    {PD, PD_SERVICE_FREE, true, "", "D", ""},
    {PD, PD_SERVICE_RENEW, true, "", "D", "D"},
    {PD, PD_SERVICE_INFO, true, "", "", ""},
    {PD, PD_SERVICE_PHYS, true, "", "D", ""},
    {PD, PD_SERVICE_REFERENCE, true, "", "R", ""},
    {PD, PD_SERVICE_TRANSFER, true, "q0s", "", ""},
    {PD, PD_SERVICE_DOMAIN, true, "ks", "", "P-AMM"},
    {PD, PD_SERVICE_ASSIGN_PARENT, true, "c", "PO", ""},
    {PD, PD_SERVICE_DESTROY_DOMAIN, true, "", "P", ""},
    {PD, PD_SERVICE_READ_MEMORY, false, "ib", "P", ""},
    {PD, PD_SERVICE_WRITE_MEMORY, false, "in", "P", ""},
    {PD, PD_SERVICE_WRITE_MEMORY, false, "in", "P", ""},
    {PD, PD_SERVICE_WRITE_MEMORY, false, "in", "P", ""},
    {PD, PD_SERVICE_READ_MEMORY, false, "ib", "P", ""},
    {PD, PD_SERVICE_RECALL_THREADS, true, "", "P", ""},
    {PD, RM_CREATE, true, "b", "", "MD"},
    {RM, RM_CREATE, true, "b", "", "MD"},
    {PD, RM_ATTACH, true, "obaf", "MD", ""},
    {PD, RM_ATTACH, true, "obif", "AD", ""}, // where READ_MEMORY looks
    {PD, RM_ATTACH, true, "obif", "AD", ""},
    {PD, RM_ATTACH, true, "obif", "AD", ""},
    {RM, RM_DETACH, true, "i", "A", ""},
    {RM, RM_ATTACH, true, "obaf", "MD", ""},
    {RM, RM_DETACH, true, "o", "M", ""},
    {RM, RM_SIGNAL, true, "", "MS", ""},
    {RM, RM_NEXT_FAULT, false, "", "M", ""},
    {RM, RM_DESTROY, true, "", "M", ""},
    {CPU, CPU_CREATE_SC, false, "p0000n", "H", "-"},
    {CPU, CPU_DESTROY_SC, false, "", "S", ""},
    {CPU, CPU_STATISTICS, true, "0", "", ""},
    {CPU, CPU_INFO, true, "", "", ""},
    {CPU, CPU_CREATE_THREAD, true, "cpun", "P", "T"},
    {CPU, CPU_CREATE_THREAD, true, "cpun", "P", "T"},
    {CPU, CPU_START, true, "iua", "T", ""},
    {CPU, CPU_PAUSE, true, "", "T", ""},
    {CPU, CPU_RESUME, true, "", "T", ""},
    {CPU, CPU_READ_STATE, true, "", "T", ""},
    {CPU, CPU_WRITE_STATE, false, "ex", "T", ""},
    {CPU, CPU_STEP, false, "", "T", ""},
    {CPU, CPU_KILL, true, "", "T", ""},
    {CPU, CPU_EXCEPTION_SIGNAL, true, "", "TS", ""},
    {CPU, CPU_EXCEPTION_SIGNAL, true, "", "PS", ""},
    {CPU, CPU_NEXT_EXCEPTION, false, "", "P", "T"},
    {CPU, CPU_NEXT_THREAD, true, "0", "P", "T"},
    {CPU, CPU_HANDLER, true, "n", "H", ""},
    {CPU, CPU_READ_FPU, true, "", "T", ""},
    {CPU, CPU_WRITE_FPU, false, "x", "T", ""},
    {CPU, CPU_PRIORITY, true, "p", "T", ""},
    {CPU, CPU_LIMIT, true, "p0n", "", ""},
    {TRACE, TRACE_SERVICE_SUBJECTS, true, "t", "", ""},
    {TRACE, TRACE_SERVICE_INFO, true, "t", "", ""},
    {TRACE, TRACE_SERVICE_ENABLE, true, "torea", "D", ""},
    {TRACE, TRACE_SERVICE_POLICY, true, "tea", "", ""},
    {TRACE, TRACE_SERVICE_PAUSE, true, "t", "", ""},
    {TRACE, TRACE_SERVICE_RESUME, true, "t", "", ""},
    {TRACE, TRACE_SERVICE_DISABLE, true, "t", "", ""},
    {IO_PORT, IO_PORT_PORTS, true, "", "", ""},
    {IO_PORT, IO_PORT_READ, true, "w", "", ""},
    {IO_PORT, IO_PORT_WRITE, true, "w", "", ""},
    {IRQ, IRQ_SEMAPHORE, true, "c", "", "-"},
    {IO_MEM, IO_MEM_DATASPACE, true, "", "", ""},
    {IO_MEM, IO_MEM_OBJECT, true, "", "", "D"},
    {ROM, ROM_SIZE, true, "", "", ""},
    {ROM, ROM_DATASPACE, true, "", "", ""},
    {ROM, ROM_WATCH, false, "", "", ""},
    {ROM, ROM_OBJECT, true, "", "", "D"},
    {ROM, ROM_READ, false, "0", "", ""},
    {LOG, LOG_WRITE, true, "n", "", ""},
    {LOG, LOG_READ, true, "0", "", ""},
    {LOG, LOG_WATCH, true, "", "", "-"},
};
static u64 succeeded[ARRAY_SIZE(rows)], refused[ARRAY_SIZE(rows)];

// One CPU's part. The names that it got lie in groups, the oldest of which is used anew.
static struct part {
    u64 state;
    sel_t first;
    char kind[GROUPS * GROUP]; // of the name at first + index; 0: none
    unsigned next;
    sel_t semaphore, portal;
    struct thread handler;
} parts[MAX_CPUS];
static volatile u64 thread_number; // of one that the trace session saw

static u64 draw(struct part *p, u64 limit)
{
    p->state ^= p->state << 13;
    p->state ^= p->state >> 7;
    p->state ^= p->state << 17;
    return (p->state >> 11) % limit;
}

// One in sixteen arguments is anything.
static bool odd(struct part *p)
{
    return draw(p, 16) == 0;
}

static word_t odd_word(struct part *p)
{
    static const u64 borders[] = {
        0,         1,    PAGE_SIZE - 1,        USER_END,  USER_END - PAGE_SIZE,
        1ul << 63, ~0ul, ~0ul - PAGE_SIZE + 1, 1ul << 32, 0xffffffff};
    u64 choice = draw(p, 2 * ARRAY_SIZE(borders));
    return choice < ARRAY_SIZE(borders) ? borders[choice] : draw(p, ~0ul);
}

static void put_word(struct part *p, struct msg *m, char letter)
{
    static const u32 flags[] = {0, RM_WRITE, RM_EXECUTE, RM_WRITE | RM_POPULATE, 7};
    word_t page = draw(p, 16) * PAGE_SIZE, word = 0;
    switch (letter) {
    case 'b': word = page + (draw(p, 4) ? 0 : PAGE_SIZE / 2); break;
    case 'o': word = draw(p, 2) ? 0 : page; break;
    case 'a': word = draw(p, 2) ? RM_ANYWHERE : draw(p, 2) ? page : CODE + page; break;
    case 'f': word = flags[draw(p, ARRAY_SIZE(flags))]; break;
    case 'q': word = page; break;
    case '0': word = draw(p, 2); break;
    case 'k': word = (1 + draw(p, 3)) * 32768; break;
    case 's': word = draw(p, 2) ? draw(p, 8) : 150 + draw(p, 100); break;
    case 'c': word = draw(p, hip()->cpu_count); break;
    case 'p': word = 1 + draw(p, 12); break;
    case 'u': word = UTCBS + page; break;
    case 'i': word = CODE + draw(p, 2) * PAGE_SIZE; break;
    case 't': word = draw(p, 4) ? thread_number : 0; break;
    case 'r': word = draw(p, 2) ? PAGE_SIZE : 256; break;
    case 'e': word = draw(p, 2) ? 1u << draw(p, 12) : 0x3fe; break;
    case 'w':
        msg_put_word(m, 0xe0 + draw(p, 4));
        word = 1;
        break;
    case 'x':
        for (unsigned i = 0; i < 80; i++)
            msg_put_word(m, 0); // what no register refuses
        return;
    default: msg_put_string(m, draw(p, 2) ? "" : "f"); return;
    }
    msg_put_word(m, odd(p) ? odd_word(p) : word);
}

// A name of that kind, often one that another CPU got, maybe used up; SEL_PD if there is none.
static sel_t name_of(struct part *own, char kind)
{
    struct part *p = draw(own, 4) ? own : &parts[draw(own, hip()->cpu_count)];
    unsigned first = (unsigned)draw(own, sizeof(p->kind));
    for (unsigned i = 0; i < sizeof(p->kind); i++) {
        unsigned at = (first + i) % sizeof(p->kind);
        if (p->kind[at] == kind)
            return p->first + at;
    }
    return SEL_PD;
}

static void put_item(struct part *p, struct msg *m, char letter)
{
    static const char kinds[] = "DMPT";
    crd_t delegated = crd(CRD_OBJ,
                          letter == 'S'   ? p->semaphore
                          : letter == 'O' ? p->portal
                                          : p->handler.ec,
                          0, RIGHT_ALL);
    if (odd(p)) { // of any kind, any order, any place
        crd_t c =
            crd((enum crd_kind)draw(p, 4), odd_word(p) >> draw(p, 64), draw(p, 8), draw(p, 32));
        msg_put_item(m, draw(p, 2) ? item_translate(c) : item_delegate(c, draw(p, 4), 0));
    } else if (letter == 'S' || letter == 'O' || letter == 'H') {
        msg_put_item(m, item_delegate(delegated, 0, 0));
    } else if (letter == 'R') {
        msg_put_item(m, item_translate(service_session_name(&reference)));
    } else {
        sel_t name = name_of(p, odd(p) ? kinds[draw(p, 4)] : letter);
        msg_put_item(m, item_translate(crd(CRD_OBJ, name, 0, RIGHT_ALL)));
    }
}

static void end_one(enum target target, word_t operation, sel_t name)
{
    struct msg m;
    service_begin(&targets[target], &m, operation);
    msg_put_item(&m, item_translate(crd(CRD_OBJ, name, 0, RIGHT_ALL)));
    (void)!service_call(&targets[target], &m);
}

// Ends what a group's names name, as far as that may be done by them, and drops them.
static void recycle(struct part *p, unsigned group)
{
    for (unsigned at = group * GROUP; at < (group + 1) * GROUP; at++) {
        sel_t name = p->first + at;
        switch (p->kind[at]) {
        case 'D': end_one(PD, PD_SERVICE_FREE, name); break;
        case 'M':
            end_one(PD, RM_DESTROY, name);
            end_one(RM, RM_DESTROY, name);
            break;
        case 'P': end_one(PD, PD_SERVICE_DESTROY_DOMAIN, name); break;
        case 'T': end_one(CPU, CPU_KILL, name); break;
        default: break;
        }
        if (p->kind[at])
            hc_drop(name);
        p->kind[at] = 0;
    }
}

static void remember(struct part *p, const struct row *row, unsigned group)
{
    for (unsigned i = 0; row->gives[i]; i++)
        p->kind[group * GROUP + i] = row->gives[i];
}

static void request(struct part *p)
{
    unsigned index = (unsigned)draw(p, ARRAY_SIZE(rows)), group = p->next;
    const struct row *row = &rows[index];
    struct msg m;
    if (*row->gives) {
        recycle(p, group);
        p->next = (p->next + 1) % GROUPS;
    }
    service_begin(&targets[row->target], &m, row->operation);
    for (const char *w = row->words; *w; w++)
        put_word(p, &m, *w);
    for (const char *i = row->items; *i; i++)
        put_item(p, &m, *i);
    utcb()->window =
        *row->gives ? crd(CRD_OBJ, p->first + group * GROUP, GROUP_ORDER, RIGHT_ALL) : (crd_t){0};
    error_t error = service_call(&targets[row->target], &m);
    utcb()->window = (crd_t){0};
    __atomic_fetch_add(error ? &refused[index] : &succeeded[index], 1, __ATOMIC_RELAXED);
    if (error)
        return;
    remember(p, row, group);
    if (row->target == TRACE && row->operation == TRACE_SERVICE_SUBJECTS) {
        (void)msg_get_word(&m);
        if (msg_get_word(&m))
            thread_number = msg_get_word(&m);
    }
}

static void fuzz(void *argument)
{
    struct part *p = argument;
    for (unsigned i = 0; i < REQUESTS / hip()->cpu_count; i++) {
        request(p);
        if (i % 32 == 0) // the threads that it made have a lower priority
            (void)!hc_sm_down(p->semaphore, deadline_in_us(200));
    }
}

static void unanswered(word_t identity, struct msg *m)
{
    (void)identity;
    msg_begin(m);
}
PORTAL_MESSAGE(unanswered_entry, unanswered);

static error_t part_open(struct part *p, unsigned cpu, unsigned round)
{
    memset(p, 0, sizeof(*p));
    p->state = (cpu + 1 + 100 * round) * 0x9e3779b97f4a7c15;
    p->first = selector_alloc_range(GROUP_ORDER + 5); // GROUPS <= 1 << 5
    error_t error = p->first == SEL_NONE ? ERESOURCE : semaphore_create(0, &p->semaphore);
    if (!error)
        error = thread_create_handler(&p->handler, cpu, 0);
    if (!error)
        error = portal_create(&p->handler, unanswered_entry, 0, 7, &p->portal);
    return error;
}

static void part_close(struct part *p)
{
    for (unsigned group = 0; group < GROUPS; group++)
        recycle(p, group);
    selector_free_range(p->first, GROUP_ORDER + 5);
    portal_destroy(p->portal);
    thread_destroy(&p->handler);
    selector_drop(p->semaphore);
}

static void one_round(unsigned round)
{
    struct thread t[MAX_CPUS];
    unsigned count = hip()->cpu_count;
    for (unsigned i = 0; i < TARGETS; i++)
        CHECK_EQ(open_args(&targets[i], services[i].name, services[i].args, services[i].ram),
                 SUCCESS);
    CHECK_EQ(service_upgrade(&targets[PD], (struct service_quota){0, 6000}), SUCCESS);
    CHECK_EQ(open_args(&reference, "pd", "", MEBI), SUCCESS);
    for (unsigned i = 0; i < count; i++)
        CHECK_EQ(part_open(&parts[i], i, round), SUCCESS);
    for (unsigned i = 0; i < count; i++)
        CHECK_EQ(thread_create(&t[i], i, 20, "fuzz", fuzz, &parts[i]), SUCCESS);
    for (unsigned i = 0; i < count; i++)
        thread_join(&t[i]);
    for (unsigned i = 0; i < count; i++)
        part_close(&parts[i]);
    for (unsigned i = 0; i < TARGETS; i++)
        service_close(&targets[i]);
    service_close(&reference);
}

// All rows of an operation together.
static bool succeeds_as_said(const struct row *row)
{
    u64 well = 0, ill = 0;
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        if (rows[i].target == row->target && rows[i].operation == row->operation) {
            well += succeeded[i];
            ill += refused[i];
        }
    }
    if (well || !row->succeeds)
        return true;
    print("  %s, operation %u: succeeded %lu times, was refused %lu times\n",
          services[row->target].name, row->operation, well, ill);
    return false;
}

// Our own heap, threads and sessions may take more in one round than before: what is lost is lost
// in each.
static void likely_requests_succeed_and_harm_nobody(void)
{
    enum { ROUNDS_MAX = 8 };
    struct service_quota before, after = {0, 0};
    struct space s;
    unsigned round = 0;
    memset(succeeded, 0, sizeof(succeeded));
    memset(refused, 0, sizeof(refused));
    do {
        before = after;
        one_round(round++);
        CHECK(!test_failed);
        CHECK_EQ(settle(), SUCCESS);
        CHECK_EQ(env_quota(&after.ram, &after.caps), SUCCESS);
    } while (round < 3 ||
             (round < ROUNDS_MAX && (after.ram != before.ram || after.caps != before.caps)));
    CHECK_EQ(after.ram, before.ram);
    CHECK_EQ(after.caps, before.caps);
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
        CHECK(succeeds_as_said(&rows[i]));
    CHECK(space_open(&s)); // and the services serve
    CHECK(space_thread(&s, 0, PIECE_COUNT, SHARED) != SEL_NONE);
    CHECK(moves(&s.shared->counter[0]));
    space_close(&s);
}

static bool has_row(enum target target, unsigned operation)
{
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        if (rows[i].target == target && rows[i].operation == operation)
            return true;
    }
    return false;
}

// Whoever adds an operation adds a row.
static void fuzzer_knows_all_operations(void)
{
#define ROW(target, name) CHECK(has_row(target, name));
#define X(name, ...) ROW(PD, PD_SERVICE_##name)
    PD_OPERATIONS(X)
#undef X
#define X(name, ...) ROW(RM, RM_##name)
    RM_OPERATIONS(X)
#undef X
#define X(name, ...) ROW(CPU, CPU_##name)
    CPU_OPERATIONS(X)
#undef X
#define X(name, ...) ROW(TRACE, TRACE_SERVICE_##name)
    TRACE_OPERATIONS(X)
#undef X
#define X(name, ...) ROW(IO_PORT, IO_PORT_##name)
    IO_PORT_OPERATIONS(X)
#undef X
#define X(name, ...) ROW(IRQ, IRQ_##name)
    IRQ_OPERATIONS(X)
#undef X
#define X(name, ...) ROW(IO_MEM, IO_MEM_##name)
    IO_MEM_OPERATIONS(X)
#undef X
#define X(name, ...) ROW(ROM, ROM_##name)
    ROM_OPERATIONS(X)
#undef X
#define X(name, ...) ROW(LOG, LOG_##name)
    LOG_OPERATIONS(X)
#undef X
#undef ROW
}

void fuzz_tests(void)
{
    RUN(fuzzer_knows_all_operations);
    RUN(likely_requests_succeed_and_harm_nobody);
}
