// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// A program's first instruction: rsp = STACK_TOP, rdi = HIP, rsi = CPU (start.h).
        .text
        .weak   _start // sigma0 has its own
        .type   _start, @function
_start:
        xorl    %ebp, %ebp
        call    rt_start
        ud2
        .size   _start, . - _start

        .section .note.GNU-stack, "", @progbits
