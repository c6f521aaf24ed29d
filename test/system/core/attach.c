// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Region maps, one test a sentence (002_8bbc1eeec7f51661.txt, Region maps; Protection domains):
// where dataspaces show, how, and what fills the page table.
#include "lib/core/dataspace.h"
#include "lib/rt/address.h"
#include "lib/rt/selector.h"
#include "lib/rt/start.h"
#include "test/system/check.h"
#include "test/system/core/core.h"
#include "test/system/core/space.h"
#include "test/system/wait.h"

#define HERE 0x10000000ul
#define SUPER (512 * PAGE_SIZE)
enum { MEBI = 1 << 20 };

static struct space s;

static void attachments_in_one_map_are_distinct(void)
{
    enum { TIMES_ATTACHED = 20 };
    word_t where[TIMES_ATTACHED];
    volatile u64 *at;
    struct rm_window w = {0, 0, RM_ANYWHERE, RM_WRITE};
    CHECK(space_open(&s));
    sel_t ds = space_memory(&s, 3 * PAGE_SIZE, &at);
    at[2 * PAGE_SIZE / 8] = 0x2222;
    for (unsigned i = 0; i < TIMES_ATTACHED; i++) {
        CHECK_EQ(rm_attach(&s.pd, s.domain.space, ds, &w, &where[i]), SUCCESS);
        for (unsigned j = 0; j < i; j++)
            CHECK(where[i] >= where[j] + 3 * PAGE_SIZE || where[j] >= where[i] + 3 * PAGE_SIZE);
    }
    CHECK(space_reads(&s, where[0] + 2 * PAGE_SIZE, 0x2222));
    CHECK(space_reads(&s, where[TIMES_ATTACHED - 1] + 2 * PAGE_SIZE, 0x2222));
    // One goes, named by any address inside: the others stay.
    CHECK_EQ(rm_detach(&s.pd, s.domain.space, where[0] + 2 * PAGE_SIZE + 77), SUCCESS);
    CHECK(space_faults(&s, PIECE_READ, where[0]));
    CHECK(space_faults(&s, PIECE_READ, where[0] + 2 * PAGE_SIZE));
    CHECK(space_reads(&s, where[1] + 2 * PAGE_SIZE, 0x2222));
    CHECK_EQ(rm_detach(&s.pd, s.domain.space, where[0] + PAGE_SIZE), ENOTFOUND);
    CHECK_EQ(rm_detach(&s.pd, s.domain.space, where[2] + 3 * PAGE_SIZE - 1), SUCCESS);
    CHECK(space_faults(&s, PIECE_READ, where[2]));
    selector_drop(ds);
    space_close(&s);
}

static void windows_show_their_part_alone(void)
{
    volatile u64 *at;
    CHECK(space_open(&s));
    sel_t ds = space_memory(&s, 8 * PAGE_SIZE, &at);
    for (unsigned i = 0; i < 8; i++)
        at[i * PAGE_SIZE / 8] = 100 + i;
    struct rm_window w = {3 * PAGE_SIZE, 2 * PAGE_SIZE, HERE, 0};
    CHECK_EQ(rm_attach(&s.pd, s.domain.space, ds, &w, NULL), SUCCESS);
    CHECK(space_reads(&s, HERE, 103));
    CHECK(space_reads(&s, HERE + PAGE_SIZE, 104));
    CHECK(space_faults(&s, PIECE_READ, HERE - 8));
    CHECK(space_faults(&s, PIECE_READ, HERE + 2 * PAGE_SIZE));
    w = (struct rm_window){5 * PAGE_SIZE, 0, HERE + 2 * PAGE_SIZE, 0}; // all from there on
    CHECK_EQ(rm_attach(&s.pd, s.domain.space, ds, &w, NULL), SUCCESS);
    CHECK(space_reads(&s, HERE + 4 * PAGE_SIZE, 107));
    CHECK(space_faults(&s, PIECE_READ, HERE + 5 * PAGE_SIZE));
    // Also where a larger block would fit in both places, but for the window's first or last page.
    w = (struct rm_window){4 * PAGE_SIZE, 3 * PAGE_SIZE, 2 * HERE, 0};
    CHECK_EQ(rm_attach(&s.pd, s.domain.space, ds, &w, NULL), SUCCESS);
    CHECK(space_reads(&s, 2 * HERE + 2 * PAGE_SIZE, 106));
    CHECK(space_faults(&s, PIECE_READ, 2 * HERE + 3 * PAGE_SIZE));
    w = (struct rm_window){PAGE_SIZE, 3 * PAGE_SIZE, 3 * HERE + PAGE_SIZE, 0};
    CHECK_EQ(rm_attach(&s.pd, s.domain.space, ds, &w, NULL), SUCCESS);
    CHECK(space_reads(&s, 3 * HERE + PAGE_SIZE, 101));
    CHECK(space_faults(&s, PIECE_READ, 3 * HERE));
    selector_drop(ds);
    space_close(&s);
}

// One dataspace, written in one place and executed in another; neither in the wrong one.
static void rights_are_of_the_attachment(void)
{
    volatile u64 *at;
    CHECK(space_open(&s));
    sel_t ds = space_memory(&s, PAGE_SIZE, &at);
    CHECK_EQ(space_attach(&s, ds, HERE, RM_WRITE), SUCCESS);
    CHECK_EQ(space_attach(&s, ds, HERE + MEBI, RM_EXECUTE), SUCCESS);
    CHECK_EQ(space_attach(&s, ds, HERE + 2 * MEBI, 0), SUCCESS);
    at[0] = 0xfeeb; // jmp to itself
    CHECK(space_faults(&s, PIECE_JUMP, HERE));
    CHECK(space_faults(&s, PIECE_JUMP, HERE + 2 * MEBI));
    CHECK(space_faults(&s, PIECE_TOUCH, HERE + MEBI));
    CHECK(space_faults(&s, PIECE_TOUCH, HERE + 2 * MEBI));
    sel_t thread = space_thread(&s, 0, PIECE_JUMP, HERE + MEBI);
    enum thread_state what;
    struct exc_state state = {0};
    for (u64 end = deadline_in_us(PATIENCE_US); state.rip != HERE + MEBI && rdtsc() < end;) {
        pause_us(1000); // for it
        CHECK_EQ(cpu_thread_pause(&s.cpu, thread), SUCCESS);
        CHECK_EQ(space_registers(&s, thread, &what, &state), SUCCESS);
        CHECK_EQ(cpu_thread_resume(&s.cpu, thread), SUCCESS);
    }
    CHECK_EQ(state.rip, HERE + MEBI); // it runs there
    cpu_thread_kill(&s.cpu, thread);
    selector_drop(ds);
    space_close(&s);
}

// Whether a thread of the domain writes its first word.
static bool space_writes(word_t address, volatile u64 *at)
{
    at[0] = 0;
    sel_t thread = space_thread(&s, 0, PIECE_TOUCH, address);
    bool counts = moves(&s.shared->counter[0]);
    return space_halt(&s, thread) && counts && at[0] == address;
}

// Whether a thread of the domain comes to an undefined instruction there.
static bool space_executes(word_t address)
{
    struct thread_exception e;
    sel_t thread = space_thread(&s, 0, PIECE_JUMP, address);
    bool so = !space_exception(&s, &e) && e.vector == EXC_INVALID_OPCODE && e.ip == address;
    selector_drop(e.thread);
    return space_halt(&s, thread) && so;
}

static void areas_are_attached_at_the_start(void)
{
    volatile u64 *at;
    struct rm_window w = {0, 0, 16 * PAGE_SIZE, RM_WRITE};
    CHECK(space_open(&s));
    sel_t ds = space_memory(&s, PAGE_SIZE, &at);
    at[1] = 0x5bac;
    CHECK_EQ(rm_attach(&s.pd, s.domain.stack_area, ds, &w, NULL), SUCCESS);
    CHECK(space_reads(&s, STACK_AREA_BASE + 16 * PAGE_SIZE + 8, 0x5bac));
    CHECK(space_faults(&s, PIECE_TOUCH,
                       STACK_AREA_BASE + 15 * PAGE_SIZE)); // below a stack is nothing
    CHECK(space_faults(&s, PIECE_TOUCH, STACK_AREA_BASE + 17 * PAGE_SIZE));
    w.address = 0;
    CHECK_EQ(rm_attach(&s.pd, s.domain.linker_area, ds, &w, NULL), SUCCESS);
    CHECK(space_reads(&s, LINKER_AREA_BASE + 8, 0x5bac));
    CHECK(space_writes(STACK_AREA_BASE + 16 * PAGE_SIZE, at));
    CHECK(space_writes(LINKER_AREA_BASE, at));
    at[0] = 0x0b0f; // ud2
    w = (struct rm_window){0, 0, PAGE_SIZE, RM_EXECUTE};
    CHECK_EQ(rm_attach(&s.pd, s.domain.linker_area, ds, &w, NULL), SUCCESS);
    CHECK(space_executes(LINKER_AREA_BASE + PAGE_SIZE));
    // Both have all of their part of the address space, which nothing else gets.
    w = (struct rm_window){0, 0, AREA_SIZE - PAGE_SIZE, 0};
    CHECK_EQ(rm_attach(&s.pd, s.domain.stack_area, ds, &w, NULL), SUCCESS);
    CHECK_EQ(rm_attach(&s.pd, s.domain.linker_area, ds, &w, NULL), SUCCESS);
    CHECK(space_reads(&s, STACK_AREA_BASE + AREA_SIZE - PAGE_SIZE + 8, 0x5bac));
    CHECK(space_reads(&s, LINKER_AREA_BASE + AREA_SIZE - PAGE_SIZE + 8, 0x5bac));
    w.address = AREA_SIZE;
    CHECK_EQ(rm_attach(&s.pd, s.domain.stack_area, ds, &w, NULL), EPARAM);
    CHECK_EQ(space_attach(&s, ds, STACK_AREA_BASE, 0), EINUSE);
    CHECK_EQ(space_attach(&s, ds, STACK_AREA_BASE + AREA_SIZE - PAGE_SIZE, 0), EINUSE);
    CHECK_EQ(space_attach(&s, ds, LINKER_AREA_BASE, 0), EINUSE);
    CHECK_EQ(space_attach(&s, ds, LINKER_AREA_BASE + AREA_SIZE - PAGE_SIZE, 0), EINUSE);
    CHECK_EQ(rm_detach(&s.pd, s.domain.stack_area, 16 * PAGE_SIZE), SUCCESS);
    CHECK(space_faults(&s, PIECE_READ, STACK_AREA_BASE + 16 * PAGE_SIZE));
    selector_drop(ds);
    space_close(&s);
}

// A map has the size that it was made with, and fills up.
static void maps_have_a_size(void)
{
    volatile u64 *at;
    sel_t map, managed;
    word_t where;
    struct rm_window w = {0, 0, RM_ANYWHERE, RM_WRITE};
    CHECK(space_open(&s));
    sel_t ds = space_memory(&s, 2 * PAGE_SIZE, &at);
    CHECK_EQ(rm_create(&s.pd, 0, &map, &managed), EPARAM);
    CHECK_EQ(rm_create(&s.pd, PAGE_SIZE + 1, &map, &managed), EPARAM);
    CHECK_EQ(rm_create(&s.pd, 1ul << 63, &map, &managed), EPARAM);
    CHECK_EQ(space_attach(&s, ds, USER_END - 2 * PAGE_SIZE, 0), SUCCESS);
    at[1] = 0x1a57;
    CHECK(space_reads(&s, USER_END - 2 * PAGE_SIZE + 8, 0x1a57));
    CHECK_EQ(space_attach(&s, ds, USER_END - PAGE_SIZE, 0), EPARAM);
    CHECK_EQ(rm_create(&s.pd, 5 * PAGE_SIZE, &map, &managed), SUCCESS);
    w.address = 4 * PAGE_SIZE;
    CHECK_EQ(rm_attach(&s.pd, map, ds, &w, &where), EPARAM);
    w.address = RM_ANYWHERE;
    CHECK_EQ(rm_attach(&s.pd, map, ds, &w, &where), SUCCESS);
    CHECK_EQ(rm_attach(&s.pd, map, ds, &w, &where), SUCCESS);
    CHECK_EQ(rm_attach(&s.pd, map, ds, &w, &where), ERESOURCE);
    CHECK_EQ(rm_detach(&s.pd, map, 0), SUCCESS);
    CHECK_EQ(rm_attach(&s.pd, map, ds, &w, &where), SUCCESS);
    CHECK_EQ(where, 0);
    // It has no pages of its own that could come with a message.
    CHECK_EQ(ds_phys(&s.pd, managed, &(u64){0}, &(u64){0}), EFEATURE);
    CHECK_EQ(dataspace_attach(managed, (void *)at, 2 * PAGE_SIZE, 0), EPROTO);
    rm_destroy(&s.pd, map, managed);
    selector_drop(ds);
    space_close(&s);
}

static u64 touch(word_t address)
{
    return space_takes(&s, PIECE_TIME, address);
}

// Where both places are aligned one mapping shows 2 MiB; where they are not, each page has its own.
static void superpages_show_what_is_aligned(void)
{
    struct rm_window w = {0, SUPER, HERE, RM_WRITE};
    volatile u64 *at;
    CHECK(space_open(&s));
    CHECK(space_reads(&s, SHARED, 0)); // what every thread needs is there
    sel_t ds = space_memory(&s, SUPER, &at);
    CHECK_EQ(rm_attach(&s.pd, s.domain.space, ds, &w, NULL), SUCCESS);
    u64 large = touch(HERE);
    CHECK(large > 0 && large <= PAGE_SIZE + SPACE_MAPPING_MOST);
    CHECK_EQ(touch(HERE), 0);
    w.address = 2 * HERE + PAGE_SIZE;
    CHECK_EQ(rm_attach(&s.pd, s.domain.space, ds, &w, NULL), SUCCESS);
    u64 small = touch(2 * HERE + PAGE_SIZE);
    CHECK(small != ~0ul && small >= SPACE_TOUCHED / 2 * SPACE_MAPPING);
    // Anywhere is where superpages fit.
    w.address = RM_ANYWHERE;
    word_t where;
    CHECK_EQ(rm_attach(&s.pd, s.domain.space, ds, &w, &where), SUCCESS);
    CHECK_EQ(where % SUPER, 0);
    selector_drop(ds);
    space_close(&s);
}

// Faults fill the page table, or RM_POPULATE at once: then there are none.
static void populated_regions_do_not_fault(void)
{
    volatile u64 *at;
    CHECK(space_open(&s));
    CHECK(space_reads(&s, SHARED, 0));
    sel_t ds = space_memory(&s, SPACE_TOUCHED * PAGE_SIZE, &at);
    u64 before = space_kmem(&s);
    CHECK_EQ(space_attach(&s, ds, HERE + PAGE_SIZE, RM_WRITE), SUCCESS);
    CHECK_EQ(space_kmem(&s), before); // lazily: nothing yet
    CHECK_EQ(space_attach(&s, ds, 2 * HERE + PAGE_SIZE, RM_WRITE | RM_POPULATE), SUCCESS);
    CHECK(space_kmem(&s) >= before + SPACE_MAPPING);
    CHECK_EQ(touch(2 * HERE + PAGE_SIZE), 0);
    u64 lazily = touch(HERE + PAGE_SIZE);
    CHECK(lazily != ~0ul && lazily >= SPACE_TOUCHED / 2 * SPACE_MAPPING);
    selector_drop(ds);
    space_close(&s);
}

void attach_tests(void)
{
    RUN(attachments_in_one_map_are_distinct);
    RUN(windows_show_their_part_alone);
    RUN(rights_are_of_the_attachment);
    RUN(areas_are_attached_at_the_start);
    RUN(maps_have_a_size);
    RUN(superpages_show_what_is_aligned);
    RUN(populated_regions_do_not_fault);
}
