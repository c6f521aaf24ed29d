// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// GDT, TSS and IDT (SDM 3A, chapters 3, 6, 7). NMI, double fault, machine check and debug have
// stacks of their own, since they may arrive between `syscall` and the first stack switch.
#include "kernel/arch/x86_64/segments.h"
#include "kernel/arch/x86_64/x86.h"
#include "kernel/cpu.h"

enum {
    IST_DOUBLE_FAULT = 1,
    IST_NMI,
    IST_MACHINE_CHECK,
    IST_DEBUG,
    IST_COUNT = 4,
    IST_SIZE = 2048
};

struct tss {
    u32 reserved0;
    u64 rsp[3];
    u64 reserved1;
    u64 ist[7];
    u64 reserved2;
    u16 reserved3, ports_at;
    u8 ports[8192 + 1]; // the byte after the bitmap must be all ones
} __attribute__((packed));

struct segments {
    u64 gdt[7];
    struct tss tss;
    _Alignas(16) char stack[IST_COUNT][IST_SIZE];
};

static struct segments all_segments[MAX_CPUS];
static struct {
    u64 low, high;
} idt[256];
extern const u64 interrupt_entries[256]; // entry.S
extern char entry_syscall[];

static void load_table(const char *op, void *base, u16 limit)
{
    struct {
        u16 limit;
        u64 base;
    } __attribute__((packed)) pointer = {limit, (u64)base};
    if (op[1] == 'g')
        __asm__ volatile("lgdt %0" ::"m"(pointer));
    else
        __asm__ volatile("lidt %0" ::"m"(pointer));
}

static void idt_fill(void)
{
    for (unsigned v = 0; v < 256; v++) {
        u64 entry = interrupt_entries[v];
        u64 ist = v == 8    ? IST_DOUBLE_FAULT
                  : v == 2  ? IST_NMI
                  : v == 18 ? IST_MACHINE_CHECK
                  : v == 1  ? IST_DEBUG
                            : 0;
        u64 dpl = v == 3 || v == 4 ? 3 : 0;
        idt[v].low = (entry & 0xffff) | KERNEL_CS << 16 | ist << 32 | (0x8e00 | dpl << 13) << 32 |
                     (entry >> 16 & 0xffff) << 48;
        idt[v].high = entry >> 32;
    }
}

void segments_init(struct cpu *cpu)
{
    struct segments *s = &all_segments[cpu->index];
    cpu->segments = s;
    if (cpu->index == 0)
        idt_fill();
    u64 tss = (u64)&s->tss;
    u64 limit = sizeof(struct tss) - 1;
    s->gdt[1] = 0x00af9b000000ffff;
    s->gdt[2] = 0x00cf93000000ffff;
    s->gdt[3] = 0x00cff3000000ffff;
    s->gdt[4] = 0x00affb000000ffff;
    s->gdt[5] = limit | (tss & 0xffffff) << 16 | 0x89ul << 40 | (tss >> 24 & 0xff) << 56;
    s->gdt[6] = tss >> 32;
    s->tss.rsp[0] = (u64)cpu->stack_top;
    for (unsigned i = 0; i < IST_COUNT; i++)
        s->tss.ist[i] = (u64)s->stack[i] + IST_SIZE;
    s->tss.ports[8192] = 0xff;
    segments_enable_ports(cpu, false);
    load_table("lgdt", s->gdt, sizeof(s->gdt) - 1);
    load_table("lidt", idt, sizeof(idt) - 1);
    __asm__ volatile("push %0; lea 1f(%%rip), %%rax; push %%rax; lretq; 1:\n"
                     "mov %1, %%ds; mov %1, %%es; mov %1, %%ss; mov %2, %%fs; mov %2, %%gs\n"
                     "ltr %w3" ::"i"(KERNEL_CS),
                     "r"(KERNEL_DS), "r"(0), "r"(TSS_SELECTOR)
                     : "rax", "memory");
    wrmsr(MSR_GS_BASE, (u64)cpu);
    wrmsr(MSR_KERNEL_GS_BASE, 0);
    wrmsr(MSR_STAR, (u64)KERNEL_CS << 32 | (u64)(USER_DS - 8) << 48);
    wrmsr(MSR_LSTAR, (u64)entry_syscall);
    wrmsr(MSR_SFMASK,
          RFLAGS_IF | RFLAGS_TF | RFLAGS_DF | RFLAGS_AC | RFLAGS_NT | RFLAGS_IOPL | RFLAGS_RF);
}

void segments_copy_ports(struct cpu *cpu, const u8 *low, const u8 *high)
{
    __builtin_memcpy(cpu->segments->tss.ports, low, PAGE_SIZE);
    __builtin_memcpy(cpu->segments->tss.ports + PAGE_SIZE, high, PAGE_SIZE);
}

void segments_enable_ports(struct cpu *cpu, bool enable)
{
    cpu->segments->tss.ports_at = enable ? offsetof(struct tss, ports) : sizeof(struct tss);
}
