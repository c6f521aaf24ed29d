// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Entry of a root program that stands on nothing but the kernel.
.globl _start
_start:
    and $-16, %rsp
    call root_main
    ud2

.section .note.GNU-stack, "", @progbits
