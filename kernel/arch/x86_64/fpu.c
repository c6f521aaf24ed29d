// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Lazy switching of FPU state (fpu.h; SDM 1, 13.4 for XSAVE's area).
#include "kernel/arch/x86_64/fpu.h"
#include "kernel/arch/x86_64/features.h"
#include "kernel/arch/x86_64/x86.h"
#include "kernel/pd.h"
#include <tessera/hip.h>

enum { AREA_MAX = 2688, MXCSR_DEFAULT = 0x1f80, FCW_DEFAULT = 0x37f };

static struct cache area_cache = CACHE(AREA_MAX + 64, "FPU state");
static char clean_area[AREA_MAX] __attribute__((aligned(64)));
static bool scrub; // the CPU speculates past CR0.TS

// The cache gives 16-byte alignment; XSAVE wants 64.
static void *area_of(struct ec *ec)
{
    return (void *)ALIGN_UP((u64)ec->fpu, 64);
}

static void area_clean(char *area)
{
    __builtin_memset(area, 0, AREA_MAX);
    *(u16 *)(void *)area = FCW_DEFAULT;
    *(u32 *)(void *)(area + 24) = MXCSR_DEFAULT;
}

static void save(void *area)
{
    if (cpu_features & HIP_XSAVE)
        __asm__ volatile("xsave64 (%0)" ::"r"(area), "a"((u32)cpu_xcr0), "d"((u32)(cpu_xcr0 >> 32))
                         : "memory");
    else
        __asm__ volatile("fxsave64 (%0)" ::"r"(area) : "memory");
}

static void load(const void *area)
{
    if (cpu_features & HIP_XSAVE)
        __asm__ volatile("xrstor64 (%0)" ::"r"(area), "a"((u32)cpu_xcr0), "d"((u32)(cpu_xcr0 >> 32))
                         : "memory");
    else
        __asm__ volatile("fxrstor64 (%0)" ::"r"(area) : "memory");
}

static void clts(void)
{
    __asm__ volatile("clts" ::: "memory");
}

static void stts(void)
{
    write_cr0(read_cr0() | CR0_TS);
}

void fpu_init(void)
{
    struct cpuid vendor = cpuid(0, 0), version = cpuid(1, 0);
    scrub =
        vendor.ebx == 0x756e6547 && (version.eax >> 8 & 15) == 6; // Intel, family 6 (CVE-2018-3665)
    area_clean(clean_area);
    stts();
}

bool fpu_take(struct cpu *cpu)
{
    struct ec *ec = cpu->current;
    if (!ec->fpu) {
        ec->fpu = cache_take(&area_cache, &ec->pd->account);
        if (!ec->fpu)
            return false;
        area_clean(area_of(ec));
    }
    clts();
    if (cpu->fpu_owner != ec) {
        if (cpu->fpu_owner)
            save(area_of(cpu->fpu_owner));
        load(area_of(ec));
        cpu->fpu_owner = ec;
    }
    cpu->lazy |= LAZY_FPU;
    return true;
}

void fpu_leave(struct cpu *cpu)
{
    if (scrub && cpu->fpu_owner) {
        save(area_of(cpu->fpu_owner));
        load(clean_area);
        cpu->fpu_owner = NULL;
    }
    stts();
    cpu->lazy &= ~(u32)LAZY_FPU;
}

void fpu_drop(struct cpu *cpu, struct ec *ec, bool keep)
{
    if (cpu->fpu_owner != ec)
        return;
    clts();
    if (keep)
        save(area_of(ec));
    load(clean_area); // nothing of it stays behind
    stts();
    cpu->fpu_owner = NULL;
    cpu->lazy &= ~(u32)LAZY_FPU;
}

// What MXCSR may hold the CPU tells in the area; bits that it may not would fault in load(), so
// they are never there, not even for a moment.
bool fpu_copy(struct ec *ec, struct fpu_state *user, bool write)
{
    enum { MXCSR_AT = 24, REST_AT = 32, END = sizeof(*user), MXCSR_MASK = 0xffbf };
    char *area = ec->fpu ? area_of(ec) : clean_area, *from = (char *)user;
    u32 mask = *(u32 *)(void *)(area + MXCSR_AT + 4), mxcsr = *(u32 *)(void *)(from + MXCSR_AT);
    if (!write)
        __builtin_memcpy(user, area, END);
    if (!write || !ec->fpu)
        return !write;
    __builtin_memcpy(area, from, MXCSR_AT);
    *(volatile u32 *)(void *)(area + MXCSR_AT) = mxcsr & (mask ? mask : MXCSR_MASK);
    __builtin_memcpy(area + REST_AT, from + REST_AT, END - REST_AT);
    *(u64 *)(void *)(area + END) |= 3; // XSTATE_BV: what was copied is not the initial state
    return true;
}

void fpu_free(struct ec *ec)
{
    if (ec->fpu)
        cache_give(&area_cache, &ec->pd->account, ec->fpu);
}
