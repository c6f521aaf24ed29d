// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The start of init (design section 5; 000_7d6c79716bf8d028.txt, last paragraph). init's selectors
// 0x000–0x3ff are made at SEL_CHILD + 0x000–0x3ff here and delegated from there. Its text is mapped
// from the archive, its data copied into memory of its own; it gets nearly all kernel memory and
// capability slots. What cannot work here stops the boot.
#include "sigma0/init.h"
#include "lib/rt/assert.h"
#include "lib/rt/print.h"
#include "lib/rt/program.h"
#include "lib/rt/start.h"
#include "sigma0/physical.h"
#include "lib/rt/range.h"
#include "sigma0/services.h"
#include "sigma0/sigma0.h"
#include "sigma0/subjects.h"

enum { INIT_PRIORITY = 128, CHILD_PD = SEL_CHILD + SEL_PD, CHILD_EC = SEL_CHILD + SEL_EC };
// init cannot give PDs the right to create scheduling contexts, since it does not have it.
enum { CHILD_PD_RIGHTS = PD_CREATE | PD_GRANT | PD_ACCOUNT };
// What sigma0 keeps for its own objects: 1/KEPT of each account, at least these.
enum { KEPT = 8, KEPT_KMEM = 512 * 1024, KEPT_CAPS = 2048 };

static struct elf image;
static bool stopped;

u64 init_entry(void)
{
    return image.entry;
}

static void must(error_t error, const char *what)
{
    if (error)
        rt_panic("cannot start init: %s: %s\n", what, error_name(error));
}

static void give(crd_t c, u64 to)
{
    must(range_delegate(CHILD_PD, crd_kind(c), crd_base(c), to, 1ul << crd_order(c), crd_rights(c)),
         "delegation");
}

// program_map's source of memory.
static void *take_memory(void *context, size_t bytes)
{
    (void)context;
    u64 page = physical_alloc(bytes / PAGE_SIZE, RAM_ANYWHERE);
    return page == RAM_NONE ? NULL : physical_address(page);
}

static void open_image(void)
{
    struct archive_file file = {0};
    error_t error = archive_find(physical_archive(), "init", &file);
    if (error)
        rt_panic("the boot archive has no file \"init\": %s\n", error_name(error));
    if ((u64)file.data % PAGE_SIZE)
        rt_panic(
            "\"init\" is not page aligned in the archive; make the archive with tools/mkarchive\n");
    error = elf_open(&image, file.data, file.size);
    if (error)
        rt_panic("\"init\" cannot be run: %s\n", image.fault);
}

static u64 keep(u64 free, u64 least)
{
    u64 kept = free / KEPT > least ? free / KEPT : least;
    return kept < free ? free - kept : 0;
}

static void create_domain(void)
{
    u64 used, kmem, slots_used, slots;
    must(hc_pd_read(SEL_PD, PD_READ_KMEM, &used, &kmem), "account");
    must(hc_pd_read(SEL_PD, PD_READ_CAPS, &slots_used, &slots), "account");
    must(object_pd(CHILD_PD, keep(kmem - used, KEPT_KMEM), keep(slots - slots_used, KEPT_CAPS),
                   SEL_PD),
         "domain");
}

static void give_selectors(void)
{
    sel_t parent = services_add_init();
    give(crd(CRD_OBJ, SEL_CHILD + SEL_EXC_BASE, 5, RIGHT_ALL), SEL_EXC_BASE);
    give(crd(CRD_OBJ, CHILD_PD, 0, CHILD_PD_RIGHTS), SEL_PD);
    give(crd(CRD_OBJ, CHILD_EC, 0, RIGHT_ALL), SEL_EC);
    give(crd(CRD_OBJ, SEL_CHILD + SEL_IDENTITY, 0, RIGHT_ALL), SEL_IDENTITY);
    for (unsigned cpu = 0; cpu < hip()->cpu_count; cpu++) {
        give(crd(CRD_OBJ, parent + cpu, 0, PT_CALL), SEL_PARENT + cpu);
        sel_t own = SEL_CHILD + (cpu ? SEL_EXC_CPU + EXC_COUNT * cpu : SEL_EXC_BASE);
        give(crd(CRD_OBJ, own, 5, RIGHT_ALL), SEL_EXC_CPU + EXC_COUNT * cpu);
    }
}

void init_start(void)
{
    open_image();
    create_domain();
    must(program_map(CHILD_PD, &image, &(struct program_memory){.alloc = take_memory}), "image");
    must(object_sm(SEL_CHILD + SEL_IDENTITY, 0), "identity");
    must(faults_create_child(0, SEL_CHILD + SEL_EXC_BASE), "exception portals");
    for (unsigned cpu = 1; cpu < hip()->cpu_count; cpu++)
        must(faults_create_child(cpu, SEL_CHILD + SEL_EXC_CPU + EXC_COUNT * cpu),
             "exception portals");
    must(object_ec(CHILD_EC, UTCB_ADDR, STACK_TOP, 0, EC_GLOBAL, SEL_EXC_BASE, CHILD_PD), "thread");
    give_selectors();
    must(object_sc(SEL_CHILD_SC, CHILD_EC, INIT_PRIORITY, QUANTUM_DEFAULT_US, 0, 0),
         "scheduling context");
    cpu_enter(SEL_CHILD_SC, "init", 0, INIT_PRIORITY);
    must(subject_list_init(CHILD_EC, SEL_CHILD_SC, INIT_PRIORITY), "its place among the threads");
}

void init_stop(const char *why)
{
    if (__atomic_exchange_n(&stopped, true, __ATOMIC_ACQ_REL))
        return;
    print("init has ended: %s; "
          "nothing above sigma0 runs any more, reset the machine\n",
          why);
    hc_sm_up(SEL_STOP);
}

void init_wait(void)
{
    while (hc_sm_down(SEL_STOP, DEADLINE_NEVER) != SUCCESS)
        ;
    hc_drop(CHILD_PD);
    hc_drop(SEL_CHILD_SC);
}
