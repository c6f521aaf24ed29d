// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Building the root PD (root.h): the one place where the kernel maps memory by itself. Segments
// that are only read are mapped from the archive; writable ones are copied into pages of the
// kernel's pool, charged to the root PD.
#include "kernel/root.h"
#include "kernel/archive.h"
#include "kernel/cpu.h"
#include "kernel/layout.h"
#include "kernel/mapping.h"
#include "kernel/panic.h"
#include <tessera/hypercall.h>

struct elf_header {
    u8 ident[16];
    u16 type, machine;
    u32 version;
    u64 entry, phoff, shoff;
    u32 flags;
    u16 ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};
struct elf_segment {
    u32 type, flags;
    u64 offset, vaddr, paddr, filesz, memsz, align;
};
enum { PT_LOAD = 1, PF_X = 1, PF_W = 2 };

static void check(bool good, const char *what)
{
    if (!good)
        panic("archive: \"sigma0\": %s", what);
}

static void map_frames(u64 page, u64 frame, u64 count, unsigned rights)
{
    // The archive and single pool pages: not the kernel's own in the sense of memory_is_kernels, or
    // given here on purpose.
    u32 error = mapping_derive_range(&kernel_memory, root_pd, page, frame, count, rights, 0);
    check(error == SUCCESS, error_name(error));
}

// Maps `pages` pages of the pool, the first `bytes` bytes copied from `from`. Neighbours are mapped
// as one range: at boot the pool gives pages in order.
static void map_copy(u64 page, const char *from, u64 bytes, u64 pages)
{
    u64 first = 0, run = 0;
    for (u64 i = 0; i < pages; i++) {
        u64 at = i * PAGE_SIZE, left = bytes > at ? bytes - at : 0;
        char *copy = page_alloc();
        check(copy && account_charge(&root_pd->account.kmem, PAGE_SIZE), "out of kernel memory");
        __builtin_memcpy(copy, from + at, left < PAGE_SIZE ? left : PAGE_SIZE);
        u64 frame = virt_to_phys(copy) / PAGE_SIZE;
        if (run && frame != first + run) {
            map_frames(page + i - run, first, run, MEM_R | MEM_W);
            run = 0;
        }
        if (!run)
            first = frame;
        run++;
    }
    map_frames(page + pages - run, first, run, MEM_R | MEM_W);
}

static void load_segment(const char *image, u64 size, const struct elf_segment *s)
{
    check(s->offset <= size && s->filesz <= size - s->offset && s->filesz <= s->memsz,
          "segment beyond the file");
    check(s->vaddr < USER_END && s->memsz < USER_END - s->vaddr,
          "segment beyond the user's addresses");
    check((s->vaddr & (PAGE_SIZE - 1)) == (s->offset & (PAGE_SIZE - 1)),
          "segment not page aligned");
    u64 skew = s->vaddr & (PAGE_SIZE - 1);
    const char *from = image + s->offset - skew;
    u64 page = s->vaddr / PAGE_SIZE, pages = (skew + s->memsz + PAGE_SIZE - 1) / PAGE_SIZE,
        file = skew + s->filesz;
    if (!(s->flags & PF_W)) {
        map_frames(page, virt_to_phys(from) / PAGE_SIZE, pages,
                   s->flags & PF_X ? MEM_R | MEM_X : MEM_R);
        return;
    }
    map_copy(page, from, file, pages);
}

static u64 load_image(const struct hip *hip)
{
    u64 size;
    const char *archive = phys_to_virt(hip->archive_base);
    const char *image = archive_find(archive, hip->archive_size, "sigma0", &size);
    check(image, "no such file in the archive (was one given?)");
    const struct elf_header *e = (const void *)image;
    check(!((u64)image & (PAGE_SIZE - 1)), "not page aligned: pack it with tools/mkarchive");
    check(size >= sizeof(*e) && !__builtin_memcmp(e->ident, "\177ELF\2\1", 6) && e->machine == 62,
          "no x86-64 ELF file");
    check(e->phentsize == sizeof(struct elf_segment) && e->phoff <= size &&
              e->phnum * sizeof(struct elf_segment) <= size - e->phoff,
          "bad program headers");
    const struct elf_segment *s = (const void *)(image + e->phoff);
    for (unsigned i = 0; i < e->phnum; i++) {
        if (s[i].type == PT_LOAD && s[i].memsz)
            load_segment(image, size, &s[i]);
    }
    return e->entry;
}

static void root_capability(struct object *object, u64 sel)
{
    struct mapping *m = object_root(object);
    m->pd = root_pd;
    m->base = sel;
    m->count = 1;
    m->object = object;
    m->kind = CRD_OBJ;
    m->rights = RIGHT_ALL;
    m->root = 1; // nothing that the fast paths serve
    check(cap_insert(m) == SUCCESS, "no memory for its capabilities");
}

void root_create(struct hip *hip)
{
    static struct mapping hip_mapping;
    u32 error;
    root_pd = pd_create(NULL, pool_free_pages() * PAGE_SIZE, SEL_LIMIT * 8ul, &error);
    check(root_pd, "no memory");
    hip->kmem_bytes = root_pd->account.kmem.limit;
    u64 entry = load_image(hip);
    map_copy((STACK_TOP - STACK_SIZE) / PAGE_SIZE, NULL, 0, STACK_SIZE / PAGE_SIZE);
    error = mapping_pin(&hip_mapping, root_pd, HIP_ADDR / PAGE_SIZE, hip, false);
    check(!error, "HIP not mapped");
    root_capability(&root_pd->object, SEL_PD);
    struct ec *ec =
        ec_create(root_pd, UTCB_ADDR, STACK_TOP, this_cpu()->index, true, SEL_EXC_BASE, &error);
    check(ec, "no memory for its thread");
    root_capability(&ec->object, SEL_EC);
    // There is nobody yet who could answer a start-up exception.
    ec->state = EC_RUN;
    ec->regs.rip = entry;
    ec->regs.rdi = HIP_ADDR;
    ec->sc = sc_create(root_pd, ec, PRIORITY_MAX, 0, &error);
    check(ec->sc, "no memory for its scheduling context");
    ec_remote(ec, REMOTE_SC);
}
