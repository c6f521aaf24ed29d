// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Kernel entries and exits. On `syscall`, rsp is first the pointer to the current EC (interrupts are off, and what can
// come nevertheless has a stack of its own), so that a call or reply that nothing stands in the way of is done here
// without a stack, a lock or an allocation: look the portal up, link caller and handler, exchange the kept registers,
// load the other address space. Everything unusual goes to C (ipc.c) with all registers saved, and counts as an entry: the
// lock has others see that before this CPU looks at anything (rcu.h).
#include "gen/offsets.h"
#include "kernel/arch/x86_64/segments.h"

#define REGISTER_WORDS 4
#define WORDS_MAX 496
#define ECAP 4

.macro SAVE_KEPT ec
    mov %rbx, EC_RBX(\ec)
    mov %rbp, EC_RBP(\ec)
    mov %r12, EC_R12(\ec)
    mov %r13, EC_R13(\ec)
    mov %r14, EC_R14(\ec)
    mov %r15, EC_R15(\ec)
.endm

// Copies message words from REGISTER_WORDS on; head in rsi, which is kept with rdi; clobbers rcx.
.macro COPY_WORDS from, to, spill
    mov %rdi, EC_RDI(\spill)
    mov %rsi, EC_RSI(\spill)
    lea -REGISTER_WORDS(%rsi), %rcx
    mov EC_MESSAGE(\to), %rdi
    mov EC_MESSAGE(\from), %rsi
    rep movsq
    mov EC_RDI(\spill), %rdi
    mov EC_RSI(\spill), %rsi
.endm

// rcx = the mapping at selector rdi of the EC in rsp; clobbers r11.
.macro LOOKUP beyond
    mov %rdi, %rcx
    shr $9, %rcx
    cmp $511, %rcx
    ja \beyond
    mov EC_CAPS(%rsp), %r11
    mov (%r11,%rcx,8), %r11
    mov %edi, %ecx
    and $511, %ecx
    mov (%r11,%rcx,8), %rcx
.endm

.text
.balign 64
.globl entry_syscall
entry_syscall:
    swapgs
    mov %rsp, %gs:CPU_USER_RSP
    mov %gs:CPU_CURRENT, %rsp
    mov %rcx, EC_RIP(%rsp)
    mov %r11, EC_RFLAGS(%rsp)
    mov %gs:CPU_USER_RSP, %rcx
    mov %rcx, EC_RSP(%rsp)
    cmp $1, %rax
    je .Lreply
    ja .Lhypercall

    // call: find the portal
    LOOKUP .Lno_portal
    testb $FAST_CALL, MAPPING_FAST(%rcx)
    jz .Lno_portal
    mov MAPPING_OBJECT(%rcx), %rax
    mov PT_EC(%rax), %r11
    mov %gs:CPU_TAG, %ecx
    cmp %ecx, EC_WAIT_TAG(%r11)
    jne .Lunusual_call
    cmpl $0, %gs:CPU_LAZY
    jne .Lunusual_call
.Lready_call:
    cmp $REGISTER_WORDS, %rsi
    ja .Llong_call
.Lcall:
    incl %gs:CPU_LINKS
    movl $0, EC_WAIT_TAG(%r11)
    mov %rsp, EC_CALLER(%r11)
    mov %r11, EC_CALLEE(%rsp)
    mov %r11, %gs:CPU_CURRENT
    SAVE_KEPT %rsp
    mov EC_CR3(%r11), %rcx
    cmp %rcx, EC_CR3(%rsp)
    je 1f
    mov %rcx, %cr3
1:  mov PT_ID(%rax), %rdi
    mov PT_IP(%rax), %rcx
    mov EC_RSP(%r11), %rsp
    mov $0x202, %r11d
    xor %eax, %eax
    xor %ebx, %ebx
    xor %ebp, %ebp
    xor %r12d, %r12d
    xor %r13d, %r13d
    xor %r14d, %r14d
    xor %r15d, %r15d
    swapgs
    sysretq

.Llong_call:
    cmp $WORDS_MAX, %rsi
    ja .Lslow_call
    COPY_WORDS %rsp, %r11, %rsp
    jmp .Lcall

.balign 16
.Lreply:
    mov EC_CALLER(%rsp), %rcx
    test %rcx, %rcx
    jz .Lslow_reply
    cmpl $0, %gs:CPU_LAZY
    jne .Lunusual_reply
    cmpl $0, EC_HAZARD(%rcx)
    jne .Lunusual_reply
    mov %gs:CPU_TAG, %eax
.Lready_reply: // with the handler's tag in eax
    cmp $REGISTER_WORDS, %rsi
    ja .Llong_reply
.Lreply_now:
    decl %gs:CPU_LINKS
    js .Lslow_reply_links
    movq $0, EC_CALLER(%rsp)
    movq $0, EC_CALLEE(%rcx)
    mov %eax, EC_WAIT_TAG(%rsp)
    mov %rcx, %gs:CPU_CURRENT
    mov EC_CR3(%rcx), %r11
    cmp %r11, EC_CR3(%rsp)
    je 1f
    mov %r11, %cr3
1:  mov EC_RBX(%rcx), %rbx
    mov EC_RBP(%rcx), %rbp
    mov EC_R12(%rcx), %r12
    mov EC_R13(%rcx), %r13
    mov EC_R14(%rcx), %r14
    mov EC_R15(%rcx), %r15
    mov EC_RFLAGS(%rcx), %r11
    mov EC_RSP(%rcx), %rsp
    mov EC_RIP(%rcx), %rcx
    xor %eax, %eax
    xor %edi, %edi
    swapgs
    sysretq

.Llong_reply:
    cmp $WORDS_MAX, %rsi
    ja .Lslow_reply
    mov %rcx, %r11
    COPY_WORDS %rsp, %r11, %rsp
    mov %r11, %rcx
    jmp .Lreply_now

.Lno_portal:
    testl $HAZARD_TRACED, EC_HAZARD(%rsp)
    jnz .Ltraced_call
    mov $ECAP, %eax
    xor %edx, %edx
    mov %rsp, %rcx
    jmp .Lsysret

// Any other hypercall: a C function with the arguments as its own, result in rax and rdx. It keeps what is to be kept; only
// if something is due before user code goes on (cpu->work) are those registers saved.
.balign 16
.Lhypercall:
    cmp $HC_SM_CTRL, %rax
    je .Lsemaphore
    cmp $16, %rax
    jae .Lunknown
.Lhypercall_c:
    mov %gs:CPU_STACK, %rsp
    lock incq %gs:CPU_ENTRIES
    mov %r10, %rcx
    call *hypercall_table(,%rax,8)
    mov %gs:CPU_CURRENT, %rcx
    cmpl $0, %gs:CPU_WORK
    jne .Lwork
.Lsysret:
    mov EC_RFLAGS(%rcx), %r11
    mov EC_RSP(%rcx), %rsp
    mov EC_RIP(%rcx), %rcx
    xor %edi, %edi
    xor %esi, %esi
    xor %r8d, %r8d
    xor %r9d, %r9d
    xor %r10d, %r10d
    swapgs
    sysretq
.Lwork:
    cmpl $WORK_RCU, %gs:CPU_WORK
    je .Lrelease
    SAVE_KEPT %rcx
    mov %rax, EC_RAX(%rcx)
    mov %rdx, EC_RDX(%rcx)
    mov %gs:CPU_STACK, %rsp
    call kernel_exit
    ud2
// up without a waiter, down with a counter above zero: nothing but the counter changes.
.Lsemaphore:
    LOOKUP .Lhypercall_c
    cmp $1, %rsi
    ja .Lhypercall_c
    je .Ldown
    testb $FAST_UP, MAPPING_FAST(%rcx)
    jz .Lhypercall_c
    mov MAPPING_OBJECT(%rcx), %rcx
    mov $1, %r11d
    xchg %r11d, SM_LOCK(%rcx)
    test %r11d, %r11d
    jnz .Lsemaphore_c // not ours: C waits for it
    cmpq $0, SM_HEAD(%rcx)
    jne .Lsemaphore_wake
    cmpq $-1, SM_COUNTER(%rcx)
    je .Lsemaphore_unlock
    incq SM_COUNTER(%rcx)
    xor %edx, %edx
.Lsemaphore_done:
    movl $0, SM_LOCK(%rcx)
    xor %eax, %eax
    mov %rsp, %rcx
    jmp .Lsysret
.Ldown:
    testb $FAST_DOWN, MAPPING_FAST(%rcx)
    jz .Lhypercall_c
    mov MAPPING_OBJECT(%rcx), %rcx
    mov $1, %r11d
    xchg %r11d, SM_LOCK(%rcx)
    test %r11d, %r11d
    jnz .Lsemaphore_c
    cmpq $0, SM_COUNTER(%rcx)
    je .Lsemaphore_wait
    decq SM_COUNTER(%rcx)
    mov $1, %edx
    jmp .Lsemaphore_done
.Lsemaphore_unlock:
    movl $0, SM_LOCK(%rcx)
.Lsemaphore_c:
    mov $HC_SM_CTRL, %eax
    jmp .Lhypercall_c

// With the lock held, another thread to wake, or nothing to take. Who goes on in place of the current EC also waits at the
// end of a hypercall: only its kept registers and results come back.
.Lsemaphore_wake:
    mov %rcx, %rdi
    mov %gs:CPU_STACK, %rsp
    lock incq %gs:CPU_ENTRIES
    call sm_wake_locked
    mov %gs:CPU_CURRENT, %rcx
    xor %edx, %edx
    test %rax, %rax
    jz .Lsysret
    SAVE_KEPT %rcx
    mov %rcx, %rdi
    call exit_yield
    jmp .Lbrief
.Lsemaphore_wait:
    SAVE_KEPT %rsp
    mov %rsp, %rsi
    mov %rcx, %rdi
    mov %gs:CPU_STACK, %rsp
    lock incq %gs:CPU_ENTRIES
    call sm_wait_locked
.Lbrief:
    mov %rax, %rcx
    mov EC_RBX(%rcx), %rbx
    mov EC_RBP(%rcx), %rbp
    mov EC_R12(%rcx), %r12
    mov EC_R13(%rcx), %r13
    mov EC_R14(%rcx), %r14
    mov EC_R15(%rcx), %r15
    mov EC_RDX(%rcx), %rdx
    mov EC_RAX(%rcx), %rax
    jmp .Lsysret

.Lrelease: // only deferred memory: no need to leave the short way out
    push %rax
    push %rdx
    call rcu_work
    pop %rdx
    pop %rax
    mov %gs:CPU_CURRENT, %rcx
    jmp .Lsysret
.Lunknown:
    mov $3, %eax // ESYS
    xor %edx, %edx
    mov %rsp, %rcx
    jmp .Lsysret

// What takes calls and replies off the fast path is tracing, or something that C must look at (trace.h).
.macro TRACE function
    mov %rdi, EC_RDI(%rsp)
    mov %rsi, EC_RSI(%rsp)
    mov %rdx, EC_RDX(%rsp)
    mov %r10, EC_R10(%rsp)
    mov %r8, EC_R8(%rsp)
    mov %r9, EC_R9(%rsp)
    mov %rsp, %rdi
    mov %gs:CPU_STACK, %rsp
    call \function
    mov %gs:CPU_CURRENT, %rsp
    mov EC_RDI(%rsp), %rdi
    mov EC_RSI(%rsp), %rsi
    mov EC_RDX(%rsp), %rdx
    mov EC_R10(%rsp), %r10
    mov EC_R8(%rsp), %r8
    mov EC_R9(%rsp), %r9
    test %rax, %rax
.endm
.Lunusual_call:
    testl $TAG_TRACED, EC_WAIT_TAG(%r11)
    jnz .Ltraced_call
    testl $LAZY_TRACED, %gs:CPU_LAZY
    jz .Lslow_call
.Ltraced_call:
    TRACE trace_call
    jz .Ltraced_call_slow
    mov PT_EC(%rax), %r11
    jmp .Lready_call
.Lunusual_reply:
    testl $LAZY_TRACED, %gs:CPU_LAZY
    jnz .Ltraced_reply
    testl $HAZARD_TRACED, EC_HAZARD(%rcx)
    jz .Lslow_reply
.Ltraced_reply:
    TRACE trace_reply
    jz .Ltraced_reply_slow
    mov %rax, %rcx
    mov %gs:CPU_TAG, %eax
    testl $HAZARD_TRACED, EC_HAZARD(%rsp)
    jz .Lready_reply
    or $TAG_TRACED, %eax
    jmp .Lready_reply
.Ltraced_call_slow:
    lea ipc_call_traced(%rip), %rcx
    xor %eax, %eax
    jmp .Lslow
.Ltraced_reply_slow:
    lea ipc_reply_traced(%rip), %rcx
    mov $1, %eax
    jmp .Lslow

.Lslow_reply_links:
    incl %gs:CPU_LINKS
.Lslow_reply:
    lea ipc_reply_slow(%rip), %rcx
    mov $1, %eax
    jmp .Lslow
.Lslow_call:
    lea ipc_call_slow(%rip), %rcx
    xor %eax, %eax
.Lslow:
    SAVE_KEPT %rsp
    mov %rax, EC_RAX(%rsp)
    mov %rdi, EC_RDI(%rsp)
    mov %rsi, EC_RSI(%rsp)
    mov %rdx, EC_RDX(%rsp)
    mov %r10, EC_R10(%rsp)
    mov %r8, EC_R8(%rsp)
    mov %r9, EC_R9(%rsp)
    mov %rsp, %rdi
    mov %gs:CPU_STACK, %rsp
    lock incq %gs:CPU_ENTRIES
    call *%rcx
    ud2

// void ec_resume(struct ec *ec): to user mode with all its registers.
.globl ec_resume
ec_resume:
    pushq $USER_DS
    pushq EC_RSP(%rdi)
    pushq EC_RFLAGS(%rdi)
    pushq $USER_CS
    pushq EC_RIP(%rdi)
    mov EC_R15(%rdi), %r15
    mov EC_R14(%rdi), %r14
    mov EC_R13(%rdi), %r13
    mov EC_R12(%rdi), %r12
    mov EC_RBP(%rdi), %rbp
    mov EC_RBX(%rdi), %rbx
    mov EC_R11(%rdi), %r11
    mov EC_R10(%rdi), %r10
    mov EC_R9(%rdi), %r9
    mov EC_R8(%rdi), %r8
    mov EC_RAX(%rdi), %rax
    mov EC_RCX(%rdi), %rcx
    mov EC_RDX(%rdi), %rdx
    mov EC_RSI(%rdi), %rsi
    mov EC_RDI(%rdi), %rdi
    swapgs
    iretq

// Interrupts and exceptions. On the stack: vector, error code, rip, cs, rflags, rsp, ss.
.Linterrupt:
    testb $3, 24(%rsp)
    jz .Lfrom_kernel
    swapgs
    push %rax
    mov %gs:CPU_CURRENT, %rax
    mov %rcx, EC_RCX(%rax)
    pop %rcx
    mov %rcx, EC_RAX(%rax)
    SAVE_KEPT %rax
    mov %r11, EC_R11(%rax)
    mov %r10, EC_R10(%rax)
    mov %r9, EC_R9(%rax)
    mov %r8, EC_R8(%rax)
    mov %rdx, EC_RDX(%rax)
    mov %rsi, EC_RSI(%rax)
    mov %rdi, EC_RDI(%rax)
    mov 16(%rsp), %rcx
    mov %rcx, EC_RIP(%rax)
    mov 32(%rsp), %rcx
    mov %rcx, EC_RFLAGS(%rax)
    mov 40(%rsp), %rcx
    mov %rcx, EC_RSP(%rax)
    mov (%rsp), %rdi
    mov 8(%rsp), %rsi
    mov %gs:CPU_STACK, %rsp
    lock incq %gs:CPU_ENTRIES
    xor %ebp, %ebp
    cld
    call interrupt_from_user
    ud2

.Lfrom_kernel:
    cmpq $1, (%rsp) // a debug trap that a user's `mov ss` held back until `syscall`
    je .Lignore
    push %rax
    push %rcx
    push %rdx
    push %rsi
    push %rdi
    push %r8
    push %r9
    push %r10
    push %r11
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    mov $0xc0000101, %ecx // the GS base says whether swapgs was done
    rdmsr
    test %edx, %edx
    js 1f
    swapgs
1:  mov %rsp, %rdi
    cld
    call interrupt_from_kernel
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    pop %r11
    pop %r10
    pop %r9
    pop %r8
    pop %rdi
    pop %rsi
    pop %rdx
    pop %rcx
    pop %rax
.Lignore:
    add $16, %rsp
    iretq

.macro ENTRY vector
.Lentry_\vector:
    .if \vector != 8 && \vector != 10 && \vector != 11 && \vector != 12 && \vector != 13 && \vector != 14 && \vector != 17 && \vector != 21 && \vector != 29 && \vector != 30
    pushq $0
    .endif
    pushq $\vector
    jmp .Linterrupt
    .pushsection .rodata
    .quad .Lentry_\vector
    .popsection
.endm

.pushsection .rodata
.balign 8
.globl interrupt_entries
interrupt_entries:
.popsection
.altmacro
.set vector, 0
.rept 256
    ENTRY %vector
    .set vector, vector + 1
.endr

.section .note.GNU-stack, "", @progbits
