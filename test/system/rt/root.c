// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The environment of the root program (root.h). Memory comes from the kernel by a call to oneself:
// a handler whose only answer is the typed item in its UTCB.
#include "test/system/rt/root.h"
#include "lib/rt/address.h"
#include "lib/rt/memory.h"
#include "lib/rt/print.h"
#include "lib/rt/selector.h"
#include "lib/rt/string.h"
#include "lib/rt/sync.h"
#include "lib/rt/thread.h"
#include "lib/rt/tsc.h"

enum { FRAMES = 8192, SERIAL = 0x3f8, EXIT_PORT = 0xf4 };

static sel_t mapper;
static struct utcb *mapper_utcb;
static u64 first_frame;
static u64 page_of_frame[FRAMES]; // 0: free
static u64 pages;
static struct mutex frames_lock = MUTEX_INIT;

__attribute__((naked)) static void mapper_entry(void)
{
    __asm__ volatile("mov $0x10000, %esi\n\tmov $1, %eax\n\tsyscall");
}

static error_t take(crd_t what, u64 at)
{
    head_t h = 0;
    word_t w[4] = {0};
    utcb()->window = crd(crd_kind(what), at, crd_order(what), RIGHT_ALL);
    *utcb_item(mapper_utcb, 0) = item_delegate(what, 0, ITEM_KERNEL);
    error_t error = hc_call(mapper, &h, w);
    utcb()->window = 0;
    return error ? error : crd_kind(utcb_item(utcb(), 0)->crd) ? SUCCESS : ECAP;
}

static error_t grow(void *address, size_t bytes)
{
    error_t error = SUCCESS;
    mutex_lock(&frames_lock);
    u64 page = (word_t)address / PAGE_SIZE, last = page + bytes / PAGE_SIZE;
    for (unsigned i = 0; i < FRAMES && page < last && !error; i++) {
        if (page_of_frame[i])
            continue;
        error = take(crd(CRD_MEM, first_frame + i, 0, MEM_R | MEM_W), page);
        if (!error) {
            page_of_frame[i] = page++;
            pages++;
        }
    }
    mutex_unlock(&frames_lock);
    if (page < last)
        return error ? error : EMEM;
    memset(address, 0, bytes);
    return SUCCESS;
}

static void release(void *address, size_t bytes)
{
    mutex_lock(&frames_lock);
    u64 page = (word_t)address / PAGE_SIZE;
    for (unsigned i = 0; i < FRAMES; i++) {
        if (page_of_frame[i] >= page && page_of_frame[i] < page + bytes / PAGE_SIZE) {
            hc_revoke(SEL_PD, crd(CRD_MEM, page_of_frame[i], 0, RIGHT_ALL), REVOKE_SELF);
            page_of_frame[i] = 0;
            pages--;
        }
    }
    mutex_unlock(&frames_lock);
}

static void serial(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        u8 status;
        do
            __asm__ volatile("inb %w1, %b0" : "=a"(status) : "Nd"((u16)(SERIAL + 5)));
        while (!(status & 0x20));
        __asm__ volatile("outb %b0, %w1" ::"a"(text[i]), "Nd"((u16)SERIAL));
    }
}

static error_t give_sc(sel_t ec, unsigned priority, u32 quantum_us, const char *name, sel_t *sc)
{
    (void)name;
    *sc = selector_alloc();
    error_t error = hc_create_sc(*sc, ec, SEL_PD, priority, quantum_us, 0, 0);
    if (error) {
        selector_free(*sc);
        *sc = SEL_NONE;
    }
    return error;
}

void rt_main_init(void)
{
    sel_t ec = selector_alloc();
    mapper = selector_alloc();
    mapper_utcb = (struct utcb *)address_alloc(PAGE_SIZE);
    if (hc_create_ec(ec, (word_t)mapper_utcb, 0, 0, 0, 0, SEL_PD) ||
        hc_create_pt(mapper, ec, (word_t)mapper_entry, 0, SEL_PD) ||
        take(crd(CRD_IO, 0, 16, IO_RW), 0))
        __builtin_trap();
    u64 most = 0;
    for (unsigned i = 0; i < hip()->memory_count; i++) {
        const struct hip_memory *m = &hip()->memory[i];
        if (m->kind == HIP_MEM_FREE && m->size > most) {
            most = m->size;
            first_frame = ALIGN_UP(m->base, PAGE_SIZE) / PAGE_SIZE;
        }
    }
    rt_print = serial;
    rt_memory_grow = grow;
    rt_memory_release = release;
    rt_sc_create = give_sc;
}

void root_leave(int code)
{
    __asm__ volatile("outl %0, %w1" ::"a"(code), "Nd"((u16)EXIT_PORT));
    rt_halt();
}

void rt_exit(int code)
{
    root_leave(code);
}

u64 root_pages(void)
{
    return pages;
}

u64 root_kmem(void)
{
    u64 used = 0, before = ~0ul, limit;
    for (unsigned same = 0; same < 20; same = used == before ? same + 1 : 0) {
        before = used;
        for (u64 end = deadline_in_us(200); rdtsc() < end;)
            hc_ec_ctrl(SEL_NONE, EC_RESUME);
        if (hc_pd_read(SEL_PD, PD_READ_KMEM, &used, &limit))
            return 0;
    }
    return used;
}
