// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// IO_MEM and IO_PORT (002_8bbc1eeec7f51661.txt, Access to device resources), on the emulated
// machine's HPET, clock and PCI configuration.
#include "lib/core/dataspace.h"
#include "lib/rt/selector.h"
#include "lib/rt/start.h"
#include "test/system/check.h"
#include "test/system/core/core.h"
#include "test/system/core/space.h"
#include "test/system/hpet.h"

#define HERE 0x10000000ul
#define HOLE 0xfd000000ul // where nothing answers: reads are all ones, writes are lost

static struct space s;

static bool refused(u64 base, u64 bytes)
{
    char args[48];
    text_format(args, sizeof(args), "0x%lx,%lu", base, bytes);
    error_t error = try_args("io_mem", args);
    if (error != EPERM)
        print("  %s: %s\n", args, error_name(error));
    return error == EPERM;
}

// Memory that somebody has already: a page of the account's, and a module of the boot archive.
static bool memory_in_use_is_refused(void)
{
    struct service_client rom;
    sel_t ram = SEL_NONE, module = SEL_NONE;
    u64 at = 0, bytes = 0;
    bool good = !dataspace_alloc(PAGE_SIZE, 0, &ram) && !dataspace_phys(ram, &at) &&
                refused(at, 1) && refused(at + PAGE_SIZE - 1, 1);
    dataspace_free(ram);
    if (!good || open_args(&rom, "rom", "init", 0))
        return false;
    good = !rom_dataspace(&rom, &module, NULL) && !ds_phys(&env_pd, module, &at, &bytes) &&
           refused(at, 1) && refused(at + bytes - 1, 1) && refused(at, bytes);
    selector_drop(module);
    service_close(&rom);
    return good;
}

static void device_memory_is_never_ram(void)
{
    static const char *const memory[] = {"0x100000,4096",  "0x1fffff,1",    "0x7ff000,1",
                                         "0xff000,0x1001", "0,0x100000000", "0xfee00000,4096",
                                         "0xfee00fff,1",   "0xfec00010,4",  "0xfebff000,0x1001",
                                         "0x80000,1",      "0x100fff,1",    "0,0x3fffffffffff"};
    for (unsigned i = 0; i < ARRAY_SIZE(memory); i++) {
        if (try_args("io_mem", memory[i]) != EPERM)
            print("  %s\n", memory[i]);
        CHECK_EQ(try_args("io_mem", memory[i]), EPERM);
    }
    CHECK(memory_in_use_is_refused());
    CHECK_EQ(try_args("io_mem", "0xfed00000"), EPROTO);
    CHECK_EQ(try_args("io_mem", "0xfed00000,4,wb"), EPROTO);
    CHECK_EQ(try_args("io_mem", "0xfed00000,0"), EPARAM);
    CHECK_EQ(try_args("io_mem", "0xfed00000,0x8000000000000000"), EPARAM);
    CHECK_EQ(try_args("io_mem", "0xfffffffffffff000,8192"), EPARAM);
    CHECK_EQ(try_args("io_mem", "0x400000000000,1"), EPARAM);
}

// Two devices on one page have an owner each; a byte has one.
static void device_memory_has_one_owner_a_byte(void)
{
    struct io_mem memory, neighbour, other;
    CHECK_EQ(io_mem_open(&memory, HPET_BASE, 0x101, false), SUCCESS);
    CHECK_EQ(io_mem_open(&other, HPET_BASE + 0x100, 1, false), EINUSE);
    CHECK_EQ(io_mem_open(&other, HPET_BASE - 1, 2, false), EINUSE);
    CHECK_EQ(io_mem_open(&other, HPET_BASE, 1 << 20, true), EINUSE);
    CHECK_EQ(io_mem_open(&other, HPET_BASE + 0x101, 1, true), EINUSE); // a page has one type
    CHECK_EQ(io_mem_open(&other, HPET_BASE - 1, 1, true), SUCCESS);
    io_mem_close(&other);
    CHECK_EQ(io_mem_open(&neighbour, HPET_BASE + 0x101, 0x2ff, false), SUCCESS);
    CHECK_EQ(io_mem_open(&other, HPET_BASE + 0x101, 1, false), EINUSE);
    CHECK_EQ((word_t)neighbour.data % PAGE_SIZE, 0x101);
    CHECK(*hpet_register(memory.data, 0) >> 32);
    CHECK_EQ(*(volatile u64 *)((word_t)neighbour.data - 0x101), *hpet_register(memory.data, 0));
    volatile void *data = memory.data;
    io_mem_close(&memory);
    crd_t found;
    CHECK_EQ(hc_lookup(crd(CRD_MEM, (word_t)data / PAGE_SIZE, 0, RIGHT_ALL), &found), ECAP);
    CHECK(*(volatile u64 *)((word_t)neighbour.data - 0x101)); // the neighbour keeps its page
    CHECK_EQ(io_mem_open(&memory, HPET_BASE + 0x100, 1, false), SUCCESS);
    io_mem_close(&memory);
    io_mem_close(&neighbour);
}

static void device_memory_is_a_dataspace(void)
{
    struct service_client io_mem;
    sel_t ds;
    u64 offset, physical, bytes;
    CHECK(space_open(&s));
    CHECK_EQ(open_args(&io_mem, "io_mem", "0xfed000f0,0x1000", 0), SUCCESS);
    CHECK_EQ(io_mem_dataspace(&io_mem, &ds, &offset), SUCCESS);
    CHECK_EQ(offset, 0xf0);
    CHECK_EQ(ds_phys(&s.pd, ds, &physical, &bytes), SUCCESS);
    CHECK_EQ(physical, HPET_BASE);
    CHECK_EQ(bytes, 2 * PAGE_SIZE);
    ds_free(&s.pd, ds); // not that session's: the selector is dropped, and no more
    CHECK_EQ(io_mem_dataspace(&io_mem, &ds, NULL), SUCCESS);
    CHECK_EQ(space_attach(&s, ds, HERE, RM_WRITE), SUCCESS);
    CHECK(space_thread(&s, hip()->cpu_count - 1, PIECE_READ, HERE) != SEL_NONE);
    CHECK(becomes_other(&s.shared->value[0], 0));
    struct io_mem hpet;
    CHECK_EQ(io_mem_open(&hpet, HPET_BASE, 8, false), SUCCESS); // other bytes of that page
    CHECK_EQ(s.shared->value[0], *hpet_register(hpet.data, 0));
    io_mem_close(&hpet);
    selector_drop(ds);
    service_close(&io_mem);
    space_close(&s);
}

// The end of the session takes it from who has it attached, while they use it.
static void device_memory_ends_with_its_session(void)
{
    struct service_client io_mem;
    struct thread_exception e;
    sel_t ds;
    CHECK(space_open(&s));
    CHECK_EQ(open_args(&io_mem, "io_mem", "0xfd000000,0x2000", 0), SUCCESS);
    CHECK_EQ(io_mem_dataspace(&io_mem, &ds, NULL), SUCCESS);
    CHECK_EQ(space_attach(&s, ds, HERE, RM_WRITE), SUCCESS);
    sel_t thread = space_thread(&s, hip()->cpu_count - 1, PIECE_COUNT, HERE + PAGE_SIZE);
    CHECK(thread != SEL_NONE);
    CHECK_EQ(cpu_next_exception(&s.cpu, s.domain.domain, &e), ENOTFOUND);
    service_close(&io_mem);
    CHECK_EQ(space_exception(&s, &e), SUCCESS);
    CHECK_EQ(e.address, HERE + PAGE_SIZE);
    CHECK_EQ(rm_detach(&s.pd, s.domain.space, HERE), ENOTFOUND);
    CHECK_EQ(space_attach(&s, ds, HERE, 0), ENOTFOUND);
    selector_drop(e.thread);
    selector_drop(ds);
    space_close(&s);
}

static void ports_have_one_owner(void)
{
    struct io_port port, other;
    CHECK_EQ(try_args("io_port", ""), EPROTO);
    CHECK_EQ(try_args("io_port", "0x60"), EPROTO);
    CHECK_EQ(try_args("io_port", "0x60,1,2"), EPROTO);
    CHECK_EQ(try_args("io_port", "0x10000,1"), EPARAM);
    CHECK_EQ(try_args("io_port", "0xffff,2"), EPARAM);
    CHECK_EQ(try_args("io_port", "0x60,0"), EPARAM);
    CHECK_EQ(try_args("io_port", "0x60,0x8000000000000000"), EPARAM);
    CHECK_EQ(try_args("io_port", "99999999999999999999,1"), EPROTO);
    CHECK_EQ(io_port_open(&port, 0x70, 2), SUCCESS);
    CHECK_EQ(io_port_open(&other, 0x71, 1), EINUSE);
    CHECK_EQ(io_port_open(&other, 0x6f, 4), EINUSE);
    CHECK_EQ(io_port_open(&other, 0x6f, 2), EINUSE);
    CHECK_EQ(io_port_open(&other, 0x6f, 1), SUCCESS); // beside it is not in it
    io_port_close(&other);
    CHECK_EQ(io_port_open(&other, 0x72, 1), SUCCESS);
    io_port_close(&other);
    u8 seconds;
    __asm__ volatile("outb %%al, $0x70\n\tinb $0x71, %%al" : "=a"(seconds) : "a"(0));
    CHECK((seconds & 15) < 10);
    crd_t found;
    CHECK_EQ(hc_lookup(crd(CRD_IO, 0x72, 0, RIGHT_ALL), &found), ECAP);
    io_port_close(&port);
    CHECK_EQ(hc_lookup(crd(CRD_IO, 0x70, 0, RIGHT_ALL), &found), ECAP);
    CHECK_EQ(io_port_open(&other, 0x71, 1), SUCCESS);
    io_port_close(&other);
}

enum { PCI_ADDRESS = 0xcf8, PCI_DATA = 0xcfc, BRIDGE_LINE = 0x8000f83c, BRIDGE_ID = 0x8000f800 };

static void ports_are_read_and_written_by_width(void)
{
    struct service_client pci;
    u32 id, half, byte, before, value;
    CHECK_EQ(open_args(&pci, "io_port", "0xcf8,8", 0), SUCCESS);
    CHECK_EQ(io_port_write(&pci, PCI_ADDRESS, 4, BRIDGE_ID), SUCCESS);
    CHECK_EQ(io_port_read(&pci, PCI_ADDRESS, 4, &value), SUCCESS);
    CHECK_EQ(value, BRIDGE_ID);
    CHECK_EQ(io_port_read(&pci, PCI_DATA, 4, &id), SUCCESS);
    CHECK_EQ(id & 0xffff, 0x8086);
    CHECK_EQ(io_port_read(&pci, PCI_DATA + 2, 2, &half), SUCCESS);
    CHECK_EQ(half, id >> 16);
    CHECK_EQ(io_port_read(&pci, PCI_DATA + 1, 1, &byte), SUCCESS);
    CHECK_EQ(byte, 0x80);
    // A register of one byte that keeps what is written, and its neighbours that do not.
    CHECK_EQ(io_port_write(&pci, PCI_ADDRESS, 4, BRIDGE_LINE), SUCCESS);
    CHECK_EQ(io_port_read(&pci, PCI_DATA, 4, &before), SUCCESS);
    CHECK_EQ(io_port_write(&pci, PCI_DATA, 1, 0x15a), SUCCESS);
    CHECK_EQ(io_port_read(&pci, PCI_DATA, 4, &value), SUCCESS);
    CHECK_EQ(value, (before & ~0xffu) | 0x5a);
    CHECK_EQ(io_port_write(&pci, PCI_DATA, 2, (before & 0xff00) | 0xa5), SUCCESS);
    CHECK_EQ(io_port_read(&pci, PCI_DATA, 1, &byte), SUCCESS);
    CHECK_EQ(byte, 0xa5);
    CHECK_EQ(io_port_write(&pci, PCI_DATA, 4, before), SUCCESS);
    service_close(&pci);
}

static void ports_outside_the_range_are_refused(void)
{
    static const struct {
        u64 port;
        unsigned width;
        error_t error;
    } wrong[] = {
        {0x6f, 1, EPERM},         {0x72, 1, EPERM},    {0x71, 2, EPERM},  {0x70, 4, EPERM},
        {0x10070, 1, EPERM},      {~0ul, 1, EPERM},    {~0ul, 4, EPERM},  {1ul << 63, 2, EPERM},
        {0x70 - 65536, 1, EPERM}, {0x70, 0, EPARAM},   {0x70, 3, EPARAM}, {0x70, 8, EPARAM},
        {0x70, 1u << 31, EPARAM}, {0x70, 257, EPARAM}, {0x6f, 2, EPERM},  {0, 4, EPERM}};
    struct service_client clock, top;
    u32 value = 0x5a5a;
    CHECK_EQ(open_args(&clock, "io_port", "0x70,2", 0), SUCCESS);
    for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
        CHECK_EQ(io_port_read(&clock, wrong[i].port, wrong[i].width, &value), wrong[i].error);
        CHECK_EQ(io_port_write(&clock, wrong[i].port, wrong[i].width, 0), wrong[i].error);
    }
    CHECK_EQ(value, 0x5a5a);
    service_close(&clock);
    CHECK_EQ(open_args(&top, "io_port", "0xfffc,4", 0), SUCCESS);
    CHECK_EQ(io_port_read(&top, 0xfffc, 4, &value), SUCCESS);
    CHECK_EQ(io_port_read(&top, 0xffff, 1, &value), SUCCESS);
    CHECK_EQ(io_port_read(&top, 0xffff, 2, &value), EPERM);
    CHECK_EQ(io_port_read(&top, 0xfffd, 4, &value), EPERM);
    service_close(&top);
}

void show_memory_types(void)
{
    struct service_client plain, combining;
    sel_t a, b;
    if (!space_open(&s) || open_args(&plain, "io_mem", "0xfd000000,0x1000", 0) ||
        open_args(&combining, "io_mem", "0xfd001000,0x1000,wc", 0) ||
        io_mem_dataspace(&plain, &a, NULL) || io_mem_dataspace(&combining, &b, NULL))
        return;
    if (space_attach(&s, a, HERE, RM_WRITE | RM_POPULATE) ||
        space_attach(&s, b, HERE + PAGE_SIZE, RM_WRITE | RM_POPULATE))
        return;
    if (space_thread(&s, 0, PIECE_COUNT, HERE) == SEL_NONE)
        return;
    print("the page table is to be looked at\n");
    (void)!hc_sm_down(s.signal, DEADLINE_NEVER); // only that thread runs
}

void device_tests(void)
{
    RUN(device_memory_is_never_ram);
    RUN(device_memory_has_one_owner_a_byte);
    RUN(device_memory_is_a_dataspace);
    RUN(device_memory_ends_with_its_session);
    RUN(ports_have_one_owner);
    RUN(ports_are_read_and_written_by_width);
    RUN(ports_outside_the_range_are_refused);
}
