// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The first user instruction of the machine. The kernel entered here with rdi = HIP, rsp =
// STACK_TOP and every other register zero.
        .text
        .globl _start
        .type _start, @function
_start:
        xorl    %ebp, %ebp
        call    main
        ud2

        .section .note.GNU-stack, "", @progbits
