// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// RM_POPULATE where managed dataspaces show (002_8bbc1eeec7f51661.txt, Populating an address space;
// Region-map management): what there is to show is entered at once, whatever lies between.
#include "lib/core/dataspace.h"
#include "lib/rt/selector.h"
#include "lib/rt/start.h"
#include "lib/rt/thread.h"
#include "lib/rt/tsc.h"
#include "test/system/check.h"
#include "test/system/core/core.h"
#include "test/system/core/space.h"
#include "test/system/wait.h"

#define HERE 0x10000000ul
#define SUPER (512 * PAGE_SIZE)
#define WORDS (PAGE_SIZE / sizeof(u64))
enum { DEPTH_MAX = 8 };

static struct space s;
static sel_t maps[DEPTH_MAX], shown[DEPTH_MAX];

static error_t show(sel_t map, sel_t ds, u64 offset, u64 bytes, word_t address, unsigned flags)
{
    struct rm_window w = {offset, bytes, address, flags};
    return rm_attach(&s.pd, map, ds, &w, NULL);
}

// Whatever a thread needs stands in the page table: its code, and where it writes.
static bool space_is_warm(void)
{
    return space_open(&s) && space_reads(&s, SHARED, 0);
}

static bool maps_create(unsigned count, u64 bytes)
{
    for (unsigned i = 0; i < count; i++) {
        if (rm_create(&s.pd, bytes, &maps[i], &shown[i]))
            return false;
    }
    return true;
}

static void maps_drop(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        rm_destroy(&s.pd, maps[i], shown[i]);
}

// `memory` in the innermost of `depth` maps, `shift` bytes further down in each than in the one
// that it shows; that one's last `shift` bytes are not seen.
static error_t chain(unsigned depth, sel_t memory, u64 bytes, u64 shift)
{
    error_t error = show(maps[0], memory, 0, 0, 0, RM_WRITE);
    for (unsigned i = 1; i < depth && !error; i++)
        error = show(maps[i], shown[i - 1], 0, bytes - shift, shift, RM_WRITE);
    return error;
}

static void maps_of_any_depth_are_populated(void)
{
    for (unsigned depth = 1; depth <= DEPTH_MAX; depth++) {
        u64 shift = PAGE_SIZE, size = SPACE_TOUCHED * PAGE_SIZE + depth * shift;
        word_t there = HERE + (depth - 1) * shift;
        volatile u64 *at;
        CHECK(space_is_warm());
        CHECK(maps_create(depth, size));
        sel_t memory = space_memory(&s, SPACE_TOUCHED * PAGE_SIZE, &at);
        CHECK_EQ(chain(depth, memory, size, shift), SUCCESS);
        at[7 * WORDS] = 0x1234 + depth;
        u64 before = space_kmem(&s);
        CHECK_EQ(space_attach(&s, shown[depth - 1], HERE, RM_WRITE | RM_POPULATE), SUCCESS);
        CHECK(space_kmem(&s) >= before + SPACE_MAPPING);
        CHECK_EQ(space_takes(&s, PIECE_TIME, there), 0);
        CHECK_EQ(at[254 * WORDS], there + 254 * PAGE_SIZE); // it wrote where it should
        CHECK_EQ(space_takes(&s, PIECE_READ, there + 7 * PAGE_SIZE), 0);
        CHECK_EQ(s.shared->value[0], 0x1234 + depth);
        selector_drop(memory);
        maps_drop(depth);
        space_close(&s);
    }
}

// Where all levels are aligned one mapping is enough.
static void aligned_levels_are_populated_with_superpages(void)
{
    enum { DEPTH = 3 };
    volatile u64 *at;
    CHECK(space_is_warm());
    CHECK(maps_create(DEPTH, DEPTH * SUPER));
    sel_t memory = space_memory(&s, SUPER, &at);
    CHECK_EQ(chain(DEPTH, memory, DEPTH * SUPER, SUPER), SUCCESS);
    u64 before = space_kmem(&s);
    CHECK_EQ(space_attach(&s, shown[DEPTH - 1], HERE, RM_WRITE | RM_POPULATE), SUCCESS);
    u64 took = space_kmem(&s) - before;
    CHECK(took > 0 && took <= PAGE_SIZE + SPACE_MAPPING_MOST);
    CHECK_EQ(space_takes(&s, PIECE_TIME, HERE + (DEPTH - 1) * SUPER), 0);
    CHECK_EQ(at[254 * WORDS], HERE + (DEPTH - 1) * SUPER + 254 * PAGE_SIZE);
    selector_drop(memory);
    maps_drop(DEPTH);
    space_close(&s);
}

// Pages that show nothing are left to faults, and their owner fills them as ever.
static void holes_are_left_to_their_owner(void)
{
    struct rm_fault fault;
    sel_t signal;
    volatile u64 *at;
    CHECK(space_is_warm());
    CHECK(maps_create(2, 64 * PAGE_SIZE));
    CHECK_EQ(semaphore_create(0, &signal), SUCCESS);
    CHECK_EQ(rm_signal(&s.pd, maps[0], signal), SUCCESS);
    sel_t memory = space_memory(&s, 16 * PAGE_SIZE, &at);
    for (unsigned i = 0; i < 16; i++)
        at[i * WORDS] = 100 + i;
    CHECK_EQ(show(maps[0], memory, 0, 4 * PAGE_SIZE, 8 * PAGE_SIZE, RM_WRITE), SUCCESS);
    CHECK_EQ(show(maps[1], memory, 4 * PAGE_SIZE, 4 * PAGE_SIZE, 0, RM_WRITE), SUCCESS);
    CHECK_EQ(show(maps[1], shown[0], 0, 32 * PAGE_SIZE, 16 * PAGE_SIZE, RM_WRITE), SUCCESS);
    CHECK_EQ(show(maps[1], memory, 8 * PAGE_SIZE, 4 * PAGE_SIZE, 60 * PAGE_SIZE, RM_WRITE),
             SUCCESS);
    CHECK_EQ(space_attach(&s, shown[1], HERE, RM_WRITE | RM_POPULATE), SUCCESS);
    static const unsigned filled[][2] = {{0, 104},  {3, 107},  {24, 100},
                                         {27, 103}, {60, 108}, {63, 111}};
    for (unsigned i = 0; i < ARRAY_SIZE(filled); i++) {
        CHECK_EQ(space_takes(&s, PIECE_READ, HERE + filled[i][0] * PAGE_SIZE), 0);
        CHECK_EQ(s.shared->value[0], filled[i][1]);
    }
    CHECK(space_faults(&s, PIECE_READ, HERE + 4 * PAGE_SIZE)); // of the map without an owner
    CHECK_EQ(hc_sm_down(signal, 1), ETIMEOUT); // nobody was asked for what was not touched
    sel_t thread = space_thread(&s, 0, PIECE_READ, HERE + 28 * PAGE_SIZE);
    CHECK_EQ(hc_sm_down(signal, deadline_in_us(PATIENCE_US)), SUCCESS);
    CHECK_EQ(rm_next_fault(&s.pd, maps[0], &fault), SUCCESS);
    CHECK_EQ(fault.address, 12 * PAGE_SIZE);
    CHECK_EQ(show(maps[0], memory, 12 * PAGE_SIZE, PAGE_SIZE, 12 * PAGE_SIZE, 0), SUCCESS);
    CHECK(becomes(&s.shared->value[0], 112));
    cpu_thread_kill(&s.cpu, thread);
    selector_drop(memory);
    selector_drop(signal);
    maps_drop(2);
    space_close(&s);
}

// Each level's window bounds what is entered, on both sides.
static void windows_bound_what_is_populated(void)
{
    volatile u64 *at;
    CHECK(space_is_warm());
    CHECK(maps_create(2, 64 * PAGE_SIZE));
    sel_t memory = space_memory(&s, 32 * PAGE_SIZE, &at);
    for (unsigned i = 0; i < 32; i++)
        at[i * WORDS] = 200 + i;
    CHECK_EQ(show(maps[0], memory, 3 * PAGE_SIZE, 24 * PAGE_SIZE, 5 * PAGE_SIZE, RM_WRITE),
             SUCCESS);
    CHECK_EQ(show(maps[1], shown[0], 7 * PAGE_SIZE, 10 * PAGE_SIZE, PAGE_SIZE, RM_WRITE), SUCCESS);
    // Of the map's pages 3…8, the memory's 7…12.
    CHECK_EQ(
        show(s.domain.space, shown[1], 3 * PAGE_SIZE, 6 * PAGE_SIZE, HERE, RM_WRITE | RM_POPULATE),
        SUCCESS);
    for (unsigned i = 0; i < 6; i++) {
        CHECK_EQ(space_takes(&s, PIECE_READ, HERE + i * PAGE_SIZE), 0);
        CHECK_EQ(s.shared->value[0], 207 + i);
    }
    CHECK(space_faults(&s, PIECE_READ, HERE - 8));
    CHECK(space_faults(&s, PIECE_READ, HERE + 6 * PAGE_SIZE));
    selector_drop(memory);
    maps_drop(2);
    space_close(&s);
}

// What is read-only on any level is so, and executable only what all allow.
static void rights_of_each_level_hold(void)
{
    volatile u64 *at;
    for (unsigned level = 0; level < 4; level++) { // which one does not let write; 3: all do
        unsigned f[3];
        for (unsigned i = 0; i < 3; i++)
            f[i] = i == level ? 0 : RM_WRITE;
        CHECK(space_is_warm());
        CHECK(maps_create(2, 4 * PAGE_SIZE));
        sel_t memory = space_memory(&s, 2 * PAGE_SIZE, &at);
        at[0] = 0xfeeb; // jmp to itself
        CHECK_EQ(show(maps[0], memory, 0, 0, 0, f[0]), SUCCESS);
        CHECK_EQ(show(maps[1], shown[0], 0, 0, 0, f[1]), SUCCESS);
        CHECK_EQ(space_attach(&s, shown[1], HERE, f[2] | RM_POPULATE), SUCCESS);
        CHECK_EQ(space_takes(&s, PIECE_READ, HERE), 0);
        CHECK_EQ(s.shared->value[0], 0xfeeb);
        CHECK(space_faults(&s, PIECE_JUMP, HERE));
        if (level < 3) {
            CHECK(space_faults(&s, PIECE_TOUCH, HERE + 8));
            CHECK_EQ(at[1], 0);
        } else {
            CHECK_EQ(space_takes(&s, PIECE_TOUCH, HERE + 8), 0);
            CHECK_EQ(at[1], HERE + 8);
        }
        selector_drop(memory);
        maps_drop(2);
        space_close(&s);
    }
}

// The domain has k bytes of kernel memory left, the rest lent to `keeper`, while it is populated.
// *without: there was too little for all. False: so much cannot be lent.
static bool populated_with(u64 k, sel_t keeper, sel_t ds, u64 wanted, bool *without)
{
    u64 used, limit;
    if (hc_pd_read(s.domain.pd, PD_READ_KMEM, &used, &limit))
        return false;
    u64 lent = limit - used - k;
    if (hc_pd_give(keeper, PD_GIVE_KMEM, s.domain.pd, lent))
        return false;
    error_t error = space_attach(&s, ds, HERE, RM_WRITE | RM_POPULATE);
    *without = space_kmem(&s) < used + wanted;
    return !error && !hc_pd_give(s.domain.pd, PD_GIVE_KMEM, keeper, lent);
}

// Kernel memory is gone in the middle, at every step: the rest is left to faults.
static void populating_ends_with_kernel_memory(void)
{
    enum { STEP = 64, MOST = 256 * 1024 };
    unsigned partly = 0;
    bool without = true;
    volatile u64 *at;
    sel_t keeper = selector_alloc();
    CHECK_EQ(hc_create_pd(keeper, SEL_PD, 4 * PAGE_SIZE, 16), SUCCESS);
    for (u64 k = 0, wanted = ~0ul; without && k < MOST; k += k < 2 * PAGE_SIZE ? STEP : PAGE_SIZE) {
        CHECK(space_open_from(&s, SEL_PD) && space_reads(&s, SHARED, 0));
        CHECK(maps_create(2, 2 * SPACE_TOUCHED * PAGE_SIZE));
        sel_t memory = space_memory(&s, SPACE_TOUCHED * PAGE_SIZE, &at);
        for (u64 page = 0; page < SPACE_TOUCHED; page += 8) // with holes of the same size
            CHECK_EQ(show(maps[0], memory, page * PAGE_SIZE, 8 * PAGE_SIZE, 2 * page * PAGE_SIZE,
                          RM_WRITE),
                     SUCCESS);
        CHECK_EQ(show(maps[1], shown[0], 0, 0, 0, RM_WRITE), SUCCESS);
        if (wanted == ~0ul) { // what it takes when there is plenty
            u64 before = space_kmem(&s);
            CHECK_EQ(space_attach(&s, shown[1], HERE, RM_WRITE | RM_POPULATE), SUCCESS);
            wanted = space_kmem(&s) - before;
            CHECK(wanted > 0);
            CHECK_EQ(rm_detach(&s.pd, s.domain.space, HERE), SUCCESS);
        } else if (populated_with(k, keeper, shown[1], wanted, &without)) {
            partly += without;
            CHECK(space_reads(&s, HERE, at[0]));
            u64 last = SPACE_TOUCHED - 8;
            at[last * WORDS] = 0x7a57 + k;
            CHECK(space_reads(&s, HERE + 2 * last * PAGE_SIZE, 0x7a57 + k));
            CHECK_EQ(rm_detach(&s.pd, s.domain.space, HERE), SUCCESS);
            CHECK(space_faults(&s, PIECE_READ, HERE));
        }
        selector_drop(memory);
        maps_drop(2);
        space_close(&s);
    }
    CHECK(!without && partly > 3);
    selector_drop(keeper);
}

static volatile bool detaching;
static volatile u64 detached;

static void detach_again(void *argument)
{
    (void)argument;
    while (detaching) {
        if (!rm_detach(&s.pd, maps[0], 0))
            detached++;
    }
}

// The innermost content is taken out on one CPU while another populates: what is out is not seen.
static void detaching_beats_populating(void)
{
    enum { ROUNDS = 100 };
    struct thread t;
    struct thread_exception e;
    volatile u64 *at;
    CHECK(space_is_warm());
    CHECK(maps_create(2, 16 * PAGE_SIZE));
    sel_t memory = space_memory(&s, 16 * PAGE_SIZE, &at);
    CHECK_EQ(show(maps[1], shown[0], 0, 0, 0, RM_WRITE), SUCCESS);
    detaching = true;
    detached = 0;
    CHECK_EQ(thread_create(&t, hip()->cpu_count - 1, 20, "detaches", detach_again, NULL), SUCCESS);
    for (unsigned i = 0; i < ROUNDS; i++) {
        u64 before = detached;
        CHECK_EQ(show(maps[0], memory, 0, 0, 0, RM_WRITE), SUCCESS);
        CHECK_EQ(space_attach(&s, shown[1], HERE, RM_WRITE | RM_POPULATE), SUCCESS);
        for (u64 end = deadline_in_us(PATIENCE_US); detached == before && rdtsc() < end;)
            (void)!hc_sm_down(s.signal, deadline_in_us(100));
        CHECK(detached != before);
        CHECK_EQ(rm_detach(&s.pd, s.domain.space, HERE), SUCCESS);
    }
    detaching = false;
    thread_join(&t);
    CHECK_EQ(detached, ROUNDS);
    // And a thread that runs there stops at once.
    CHECK_EQ(show(maps[0], memory, 0, 0, 0, RM_WRITE), SUCCESS);
    CHECK_EQ(space_attach(&s, shown[1], HERE, RM_WRITE | RM_POPULATE), SUCCESS);
    sel_t thread = space_thread(&s, hip()->cpu_count - 1, PIECE_COUNT, HERE + 8);
    CHECK(moves(&at[1]));
    CHECK_EQ(rm_detach(&s.pd, maps[0], 0), SUCCESS);
    CHECK(stands_still(&at[1]));
    CHECK_EQ(space_exception(&s, &e), SUCCESS);
    CHECK_EQ(e.address, HERE + 8);
    selector_drop(e.thread);
    cpu_thread_kill(&s.cpu, thread);
    selector_drop(memory);
    maps_drop(2);
    space_close(&s);
}

// Eight maps, each of which shows the one below sixteen times: there are four thousand million ways
// down. Nothing that sigma0 does takes so long, and what is taken out is gone in all places.
static void wide_maps_keep_nobody_waiting(void)
{
    enum { WIDE = 16, WINDOW = 1 << 20 };
    struct thread_exception e;
    volatile u64 *at;
    u64 pages = WIDE;
    CHECK(space_is_warm());
    for (unsigned i = 0; i < DEPTH_MAX; i++, pages *= WIDE) {
        CHECK_EQ(rm_create(&s.pd, pages * PAGE_SIZE, &maps[i], &shown[i]), SUCCESS);
        for (u64 j = 0; i && j < WIDE; j++)
            CHECK_EQ(show(maps[i], shown[i - 1], 0, 0, j * (pages / WIDE) * PAGE_SIZE, RM_WRITE),
                     SUCCESS);
    }
    CHECK_EQ(show(s.domain.space, shown[DEPTH_MAX - 1], 0, WINDOW * PAGE_SIZE, 16 * HERE,
                  RM_WRITE | RM_POPULATE),
             SUCCESS);
    CHECK_EQ(show(maps[0], shown[DEPTH_MAX - 1], 0, PAGE_SIZE, 0, 0), EDEADLOCK);
    sel_t memory = space_memory(&s, PAGE_SIZE, &at);
    CHECK_EQ(show(maps[0], memory, 0, 0, 5 * PAGE_SIZE, RM_WRITE), SUCCESS);
    word_t first = 16 * HERE + 5 * PAGE_SIZE, last = first + (WINDOW - WIDE) * PAGE_SIZE + 8;
    (void)space_thread(&s, 0, PIECE_COUNT, first);
    (void)space_thread(&s, hip()->cpu_count - 1, PIECE_COUNT, last);
    CHECK(moves(&at[0]));
    CHECK(moves(&at[1]));
    CHECK_EQ(rm_detach(&s.pd, maps[0], 5 * PAGE_SIZE), SUCCESS);
    CHECK(stands_still(&at[0]));
    CHECK(stands_still(&at[1]));
    for (unsigned i = 0; i < 2; i++) {
        CHECK_EQ(space_exception(&s, &e), SUCCESS);
        CHECK(e.address == first || e.address == last);
        selector_drop(e.thread);
    }
    selector_drop(memory);
    maps_drop(DEPTH_MAX);
    space_close(&s);
}

void populate_tests(void)
{
    RUN(maps_of_any_depth_are_populated);
    RUN(aligned_levels_are_populated_with_superpages);
    RUN(holes_are_left_to_their_owner);
    RUN(windows_bound_what_is_populated);
    RUN(rights_of_each_level_hold);
    RUN(populating_ends_with_kernel_memory);
    RUN(detaching_beats_populating);
    RUN(wide_maps_keep_nobody_waiting);
}
