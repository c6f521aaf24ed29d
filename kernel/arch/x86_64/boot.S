// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// From the boot loader's 32-bit hand-over to C at the top of the address space. PVH and Multiboot 2
// enter alike: flat 32-bit segments, paging off, ebx = physical address of what the loader tells.
// The page tables are laid out by the assembler; code only fills in what needs the processor (NX)
// or the linker (where text ends). Two top-level tables share them: trampoline_pml4 also maps the
// low 4 GiB at their physical addresses and is used here and by starting CPUs (trampoline.S) only;
// kernel_pml4, on which C runs, has nothing in the user's half.

#include "kernel/arch/x86_64/layout.h"

#define PHYS(symbol) ((symbol) - KERNEL_BASE)
#define TABLE (BOOT_PTE_P | BOOT_PTE_W | BOOT_PTE_A)
#define READ_ONLY (BOOT_PTE_P | BOOT_PTE_A | BOOT_PTE_D | BOOT_PTE_G)
#define READ_WRITE (READ_ONLY | BOOT_PTE_W)

#define MULTIBOOT2_HEADER_MAGIC 0xe85250d6
#define MULTIBOOT2_OPTIONAL 1
#define PVH_START_MAGIC 0x336ec578
#define XEN_ELFNOTE_PHYS32_ENTRY 18

#define CPUID_EXTENDED 0x80000001
#define CPUID_EDX_NX (1 << 20)
#define CPUID_EDX_LM (1 << 29)
#define MSR_EFER 0xc0000080
#define EFER_LME (1 << 8)
#define EFER_NXE (1 << 11)
#define CR4_PAE (1 << 5)
#define CR0_BOOT 0x80010033 // PG, WP, NE, ET, MP, PE
#define NX_HIGH (1 << 31)   // bit 63 of an entry, in its upper half
#define COM1 0x3f8

// Multiboot 2 specification, 3.1: within the first 32 KiB of the file, 8-byte aligned.
    .section .multiboot, "a"
    .balign 8
multiboot_header:
    .long MULTIBOOT2_HEADER_MAGIC, 0, multiboot_end - multiboot_header
    .long -(MULTIBOOT2_HEADER_MAGIC + 0 + (multiboot_end - multiboot_header))
    .balign 8 // information request: command line, modules, memory map, framebuffer, ACPI
    .short 1, MULTIBOOT2_OPTIONAL
    .long 8 + 6 * 4, 1, 3, 6, 8, 14, 15
    .balign 8 // entry address
    .short 3, 0
    .long 12, PHYS(boot_multiboot)
    .balign 8 // framebuffer preference
    .short 5, MULTIBOOT2_OPTIONAL
    .long 20, 1024, 768, 32
    .balign 8 // modules start on a page
    .short 6, 0
    .long 8
    .balign 8
    .short 0, 0
    .long 8
multiboot_end:

    .section .note.Xen, "a", @note
    .balign 4
    .long 4, 4, XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .balign 4
    .long PHYS(boot_pvh)

    .section .text.boot, "ax"
    .code32
    .globl boot_entry
boot_pvh:
    mov $PVH_START_MAGIC, %eax
boot_entry:
boot_multiboot:
    cli
    cld
    mov %eax, %edi // the first two arguments of boot_start
    mov %ebx, %esi
    rdtsc
    mov %eax, PHYS(boot_tsc)
    mov %edx, PHYS(boot_tsc + 4)

    mov $CPUID_EXTENDED, %eax
    cpuid
    test $CPUID_EDX_LM, %edx
    jz no_long_mode
    xor %ebp, %ebp // upper half of an entry that is not to be executed
    mov $EFER_LME, %ebx
    test $CPUID_EDX_NX, %edx
    jz 1f
    mov $NX_HIGH, %ebp
    or $EFER_NXE, %ebx
1:  mov %ebx, PHYS(boot_efer)

    or %ebp, PHYS(trampoline_pml4 + 256 * 8 + 4)
    or %ebp, PHYS(kernel_pml4 + 256 * 8 + 4)

    // Text and rodata by 4 KiB pages.
    mov $PHYS(__text_start), %eax
    mov $PHYS(text_pt), %ecx
    xor %edx, %edx
2:  cmp $PHYS(__rodata_start), %eax
    jb 3f
    mov %ebp, %edx
3:  mov %edx, 4(%ecx)
    lea READ_ONLY(%eax), %ebx
    mov %ebx, (%ecx)
    add $8, %ecx
    add $4096, %eax
    cmp $PHYS(__rodata_end), %eax
    jb 2b

    // Data and bss by 2 MiB pages.
    mov $PHYS(__data_start), %eax
4:  mov %eax, %ecx
    shr $21 - 3, %ecx
    mov %ebp, PHYS(kernel_pd + 4)(%ecx)
    lea (READ_WRITE | BOOT_PTE_PS)(%eax), %ebx
    mov %ebx, PHYS(kernel_pd)(%ecx)
    add $PAGE_2M, %eax
    cmp $PHYS(__bss_end), %eax
    jb 4b

    lgdt PHYS(boot_gdt_pointer)
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
    ljmp $BOOT_CS, $PHYS(boot_64_low)

no_long_mode:
    mov $PHYS(no_long_mode_text), %esi
    mov $COM1, %dx
5:  lodsb
    test %al, %al
    jz 6f
    out %al, %dx
    jmp 5b
6:  hlt
    jmp 6b

    .code64
boot_64_low:
    movabs $boot_64, %rax
    jmp *%rax
boot_64:
    lea boot_stack_end(%rip), %rsp
    call boot_load_gdt
    mov $PHYS(kernel_pml4), %eax
    mov %rax, %cr3
    xor %ebp, %ebp // ends a back trace
    mov %edi, %edi // the upper halves are undefined after the mode switch
    mov %esi, %esi
    mov boot_tsc(%rip), %rdx
    call boot_start
    ud2

// Loads the boot GDT at its final address and its data segments; for starting CPUs too.
    .globl boot_load_gdt
boot_load_gdt:
    lgdt boot_gdt_pointer_high(%rip)
    mov $BOOT_DS, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    xor %eax, %eax
    mov %eax, %fs
    mov %eax, %gs
    ret

    .section .rodata.boot, "a"
no_long_mode_text:
    .asciz "Tessera: this processor has no 64-bit mode\r\n"
    .balign 8
boot_gdt: // accessed bits are set, since the processor could not set them on a read-only page
    .quad 0
    .quad 0x00af9b000000ffff // BOOT_CS: 64-bit code
    .quad 0x00cf93000000ffff // BOOT_DS
boot_gdt_end:
boot_gdt_pointer:
    .short boot_gdt_end - boot_gdt - 1
    .long PHYS(boot_gdt)
    .balign 8
boot_gdt_pointer_high:
    .short boot_gdt_end - boot_gdt - 1
    .quad boot_gdt

    .section .data.boot_tables, "aw"
    .balign 4096
    .globl trampoline_pml4, kernel_pml4, boot_pd
trampoline_pml4:
    .quad PHYS(low_pdpt) + TABLE
    .fill 255, 8, 0
    .quad PHYS(low_pdpt) + TABLE
    .fill 254, 8, 0
    .quad PHYS(high_pdpt) + TABLE
kernel_pml4:
    .fill 256, 8, 0
    .quad PHYS(low_pdpt) + TABLE
    .fill 254, 8, 0
    .quad PHYS(high_pdpt) + TABLE
low_pdpt:
    .quad PHYS(boot_pd) + TABLE, PHYS(boot_pd + 0x1000) + TABLE
    .quad PHYS(boot_pd + 0x2000) + TABLE, PHYS(boot_pd + 0x3000) + TABLE
    .fill 508, 8, 0
high_pdpt:
    .fill 510, 8, 0
    .quad PHYS(kernel_pd) + TABLE
    .quad 0
kernel_pd:
    .quad 0
    .quad PHYS(text_pt) + TABLE
    .fill 510, 8, 0
boot_pd: // the first 4 GiB, with kernel text (the second entry) read-only
    .set address, 0
    .rept 4 * PDE_PER_TABLE
    .if address == KERNEL_PHYS
    .quad address + BOOT_PTE_PS + READ_ONLY
    .else
    .quad address + BOOT_PTE_PS + READ_WRITE
    .endif
    .set address, address + PAGE_2M
    .endr

    .data
    .balign 8
    .globl boot_efer
boot_tsc:
    .quad 0
boot_efer: // what every CPU loads into EFER to enter long mode
    .long 0

    .section .bss.boot_tables, "aw", @nobits
    .balign 4096
text_pt:
    .skip 4096
    .globl boot_stack
boot_stack:
    .skip BOOT_STACK_SIZE
boot_stack_end:

    .section .note.GNU-stack, "", @progbits
