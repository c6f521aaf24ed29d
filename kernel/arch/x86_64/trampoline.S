// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Where a starting CPU begins: in real mode at the start of a page, to which smp.c copies this code
// and adds the page's address at each trampoline_fixup. It goes straight to long mode on
// trampoline_pml4 (boot.S), which has that page at its physical address, then leaves it for the
// kernel's own.

#include "kernel/arch/x86_64/layout.h"

#define PHYS(symbol) ((symbol) - KERNEL_BASE)
#define HERE(symbol) ((symbol) - trampoline_start)
#define TRAMPOLINE_CODE32 0x18
#define MSR_EFER 0xc0000080
#define CR0_PE 1
#define CR4_PAE (1 << 5)
#define CR0_BOOT 0x80010033 // PG, WP, NE, ET, MP, PE
#define CPU_NONE 0xff

    .section .rodata.trampoline, "a"
    .globl trampoline_start, trampoline_end
    .globl trampoline_fixup_gdt, trampoline_fixup_32, trampoline_fixup_64
    .code16
trampoline_start:
    cli
    cld
    mov %cs, %ax
    mov %ax, %ds
    lgdtl HERE(trampoline_gdt_pointer)
    mov $CR0_PE, %eax
    mov %eax, %cr0
    .byte 0x66, 0xea // ljmpl
trampoline_fixup_32:
    .long HERE(trampoline_32)
    .short TRAMPOLINE_CODE32

    .code32
trampoline_32:
    mov $BOOT_DS, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    mov $CR4_PAE, %eax
    mov %eax, %cr4
    mov $PHYS(trampoline_pml4), %eax
    mov %eax, %cr3
    mov $MSR_EFER, %ecx
    mov PHYS(boot_efer), %eax
    xor %edx, %edx
    wrmsr
    mov $CR0_BOOT, %eax
    mov %eax, %cr0
    .byte 0xea // ljmp
trampoline_fixup_64:
    .long HERE(trampoline_64)
    .short BOOT_CS

    .code64
trampoline_64:
    movabs $ap_entry, %rax
    jmp *%rax

    .balign 8
trampoline_gdt:
    .quad 0
    .quad 0x00af9b000000ffff // BOOT_CS
    .quad 0x00cf93000000ffff // BOOT_DS
    .quad 0x00cf9b000000ffff // TRAMPOLINE_CODE32
trampoline_gdt_end:
trampoline_gdt_pointer:
    .short trampoline_gdt_end - trampoline_gdt - 1
trampoline_fixup_gdt:
    .long HERE(trampoline_gdt)
trampoline_end:

    .text
ap_entry:
    mov smp_cr3(%rip), %rax
    mov %rax, %cr3
    mov $1, %eax
    cpuid
    shr $24, %ebx // initial APIC identifier (SDM 2A, CPUID leaf 1)
    movzbl smp_cpu_of_apic(%rbx), %edi
    cmp $CPU_NONE, %edi
    je 1f
    mov smp_stacks(, %rdi, 8), %rsp
    test %rsp, %rsp
    jz 1f
    mov %edi, %ebx
    call boot_load_gdt
    mov %ebx, %edi
    xor %ebp, %ebp
    call ap_start
1:  hlt
    jmp 1b

    .section .note.GNU-stack, "", @progbits
