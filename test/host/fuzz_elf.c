// needs: lib/rt/elf.c
// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The ELF reader: a good file, each single fault, and 200,000 random mutations, whose accepted
// segments are read in full.
#include "lib/rt/elf.h"
#include "test/host/check.h"
#include <string.h>

enum { SIZE = 3 * PAGE_SIZE, MUTATIONS = 200000 };

struct header {
    u8 ident[16];
    u16 type, machine;
    u32 version;
    u64 entry, phoff, shoff;
    u32 flags;
    u16 ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};
struct segment {
    u32 type, flags;
    u64 offset, vaddr, paddr, filesz, memsz, align;
};
struct file {
    struct header h;
    struct segment s[3];
};

static struct file good(void)
{
    return (struct file){.h = {.ident = "\177ELF\2\1\1",
                               .type = 2,
                               .machine = 62,
                               .version = 1,
                               .entry = 0x80000100,
                               .phoff = 64,
                               .ehsize = 64,
                               .phentsize = 56,
                               .phnum = 3},
                         .s = {{1, 5, 0xf0, 0x800000f0, 0, 0x800, 0x800, 0x1000},
                               {1, 4, 0x1000, 0x80001000, 0, 0x300, 0x300, 0x1000},
                               {1, 6, 0x2000, 0x80002000, 0, 0x100, 0x5000, 0x1000}}};
}

static u8 *image_of(const struct file *f, size_t size)
{
    u8 *image = calloc(1, size); // exact, so that the sanitizer sees the end
    memcpy(image, f, size < sizeof(*f) ? size : sizeof(*f));
    return image;
}

static error_t open_file(const struct file *f)
{
    struct elf elf;
    u8 *image = image_of(f, SIZE);
    error_t error = elf_open(&elf, image, SIZE);
    CHECK(!error == !elf.fault);
    free(image);
    return error;
}

static void a_good_file_is_read(void)
{
    struct file f = good();
    struct elf elf;
    struct elf_segment s;
    u8 *image = image_of(&f, SIZE);
    CHECK(!elf_open(&elf, image, SIZE) && elf.count == 3 && elf.entry == 0x80000100);
    CHECK(!elf_segment(&elf, 2, &s) && s.address == 0x80002000 && s.memory_bytes == 0x5000);
    CHECK(s.file_bytes == 0x100 && s.data == image + 0x2000 && s.flags == (ELF_R | ELF_W));
    CHECK(elf_segment(&elf, 3, &s) == ENOTFOUND);
    for (size_t size = 0; size < sizeof(f) + 8; size++) {
        u8 *cut = image_of(&f, size);
        CHECK(elf_open(&elf, cut, size) == EPARAM);
        free(cut);
    }
    free(image);
}

#define BAD(change)                                                                                \
    do {                                                                                           \
        struct file f = good();                                                                    \
        f.change;                                                                                  \
        CHECK(open_file(&f) == EPARAM);                                                            \
    } while (0)

static void each_fault_is_found(void)
{
    BAD(h.ident[4] = 1);
    BAD(h.machine = 3);
    BAD(h.type = 3);
    BAD(h.phentsize = 55);
    BAD(h.phnum = 0);
    BAD(h.phnum = 0xffff);
    BAD(h.phoff = SIZE - 100);
    BAD(h.phoff = ~0ul);
    BAD(h.entry = 0x80001000);
    BAD(h.entry = 0x800008f0);
    BAD(h.entry = 0x800000ef);
    BAD(s[0].filesz = 0x801);
    BAD(s[0].offset = SIZE + 0xf0);
    BAD(s[0].offset = ~0xful & ~0xf00ul);
    BAD(s[1].filesz = ~0ul);
    BAD(s[1].flags = 7);
    BAD(s[1].flags = 0);
    BAD(s[1].vaddr = 0x80001008);
    BAD(s[1].vaddr = 0x80000000);
    BAD(s[1].vaddr = 0x80003000);
    BAD(s[2].memsz = USER_END - 0x80002000 + 1);
    BAD(s[2].memsz = ~0ul);
    BAD(s[2].vaddr = USER_END);
    BAD(s[2].vaddr = 0xffffffff80000000);
    BAD(s[0].vaddr = 0xf0);
    BAD(s[1].type = 2);
    BAD(s[1].type = 3);
}

static unsigned accepted;

static void read_all(const struct elf *elf)
{
    struct elf_segment s;
    u64 sum = 0, border = 0;
    for (unsigned i = 0; i < elf->count; i++) {
        CHECK(!elf_segment(elf, i, &s));
        CHECK(s.address >= border && s.memory_bytes <= USER_END &&
              s.address + s.memory_bytes <= USER_END);
        border = s.address + s.memory_bytes;
        for (u64 k = 0; k < s.file_bytes; k++)
            sum += s.data[k];
    }
    __asm__ volatile("" ::"r"(sum));
    accepted++;
}

static void mutations_are_harmless(void)
{
    for (unsigned i = 0; i < MUTATIONS; i++) {
        struct file f = good();
        unsigned changes = (unsigned)random_below(4) + 1;
        while (changes--) {
            size_t at = random_below(sizeof(f));
            if (random_below(2))
                ((u8 *)&f)[at] = (u8)random_next();
            else
                ((u64 *)(void *)&f)[at / 8] = random_next() >> random_below(64);
        }
        struct elf elf;
        size_t size = random_below(4) ? SIZE : random_below(SIZE);
        u8 *image = image_of(&f, size);
        if (!elf_open(&elf, image, size))
            read_all(&elf);
        free(image);
    }
    CHECK(accepted > MUTATIONS / 100);
}

int main(void)
{
    RUN(a_good_file_is_read);
    RUN(each_fault_is_found);
    RUN(mutations_are_harmless);
    return check_failures != 0;
}
