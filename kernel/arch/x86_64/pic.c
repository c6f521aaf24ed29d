// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Intel 8259A data sheet: four initialization words, then the mask.

#include "kernel/arch/x86_64/pic.h"
#include "kernel/arch/x86_64/x86.h"

enum { PIC1_COMMAND = 0x20, PIC1_DATA = 0x21, PIC2_COMMAND = 0xa0, PIC2_DATA = 0xa1 };
enum { ICW1_ICW4 = 0x11, ICW4_8086 = 0x01, CASCADE_INPUT = 2, ALL_INPUTS = 0xff };
enum { VECTOR = 0xf0 }; // for spurious interrupts: away from the exceptions

void pic_disable(void)
{
    outb(PIC1_COMMAND, ICW1_ICW4);
    outb(PIC2_COMMAND, ICW1_ICW4);
    outb(PIC1_DATA, VECTOR);
    outb(PIC2_DATA, VECTOR);
    outb(PIC1_DATA, 1 << CASCADE_INPUT);
    outb(PIC2_DATA, CASCADE_INPUT);
    outb(PIC1_DATA, ICW4_8086);
    outb(PIC2_DATA, ICW4_8086);
    outb(PIC1_DATA, ALL_INPUTS);
    outb(PIC2_DATA, ALL_INPUTS);
}
