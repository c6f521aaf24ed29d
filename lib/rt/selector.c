// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The selector allocator (selector.h). Bit i of the bitmap is selector i; the words below
// SEL_FIRST_FREE are skipped. `hint` is the lowest word that may have a free bit: only a hint, so
// races on it are harmless.
#include "lib/rt/selector.h"
#include "lib/rt/hypercall.h"

enum { BITS = 64, WORD_ORDER = 6, FIRST_WORD = SEL_FIRST_FREE / BITS, DEFAULT_WORDS = 1024 };

__attribute__((weak)) u64 rt_selector_bitmap[DEFAULT_WORDS];
__attribute__((weak)) u32 rt_selector_words = DEFAULT_WORDS;

static u32 hint = FIRST_WORD;

// Sets `mask` in a word that is expected to be *old. On failure *old is what it is now.
static bool claim(u32 word, u64 *old, u64 mask)
{
    return __atomic_compare_exchange_n(&rt_selector_bitmap[word], old, *old | mask, false,
                                       __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static u64 word_load(u32 word)
{
    return __atomic_load_n(&rt_selector_bitmap[word], __ATOMIC_RELAXED);
}

sel_t selector_alloc(void)
{
    u32 first = __atomic_load_n(&hint, __ATOMIC_RELAXED);
    for (u32 word = first; word < rt_selector_words; word++) {
        u64 old = word_load(word);
        while (~old) {
            unsigned bit = (unsigned)__builtin_ctzl(~old);
            if (claim(word, &old, 1ul << bit)) {
                if (word != first)
                    __atomic_store_n(&hint, word, __ATOMIC_RELAXED);
                return word * BITS + bit;
            }
        }
    }
    if (first == FIRST_WORD)
        return SEL_NONE;
    // The hint may have been too high: a free that came between. Once more from the start.
    __atomic_store_n(&hint, FIRST_WORD, __ATOMIC_RELAXED);
    return selector_alloc();
}

static u64 bits(unsigned order)
{
    return order >= WORD_ORDER ? ~0ul : (1ul << (1u << order)) - 1;
}

static sel_t alloc_in_word(unsigned order)
{
    for (u32 word = FIRST_WORD; word < rt_selector_words; word++) {
        u64 old = word_load(word);
        if (!~old)
            continue;
        for (unsigned shift = 0; shift < BITS; shift += 1u << order) {
            u64 mask = bits(order) << shift;
            while (!(old & mask)) {
                if (claim(word, &old, mask))
                    return word * BITS + shift;
            }
        }
    }
    return SEL_NONE;
}

static void free_words(u32 word, u32 count)
{
    while (count--)
        __atomic_store_n(&rt_selector_bitmap[word + count], 0, __ATOMIC_RELEASE);
}

static bool claim_words(u32 word, u32 count)
{
    for (u32 i = 0; i < count; i++) {
        u64 old = 0;
        if (!claim(word + i, &old, ~0ul)) {
            free_words(word, i);
            return false;
        }
    }
    return true;
}

sel_t selector_alloc_range(unsigned order)
{
    if (order == 0)
        return selector_alloc();
    if (order < WORD_ORDER)
        return alloc_in_word(order);
    if (order > 18)
        return SEL_NONE;
    u32 count = 1u << (order - WORD_ORDER);
    for (u32 word = ALIGN_UP(FIRST_WORD, count); word + count <= rt_selector_words; word += count) {
        if (claim_words(word, count))
            return word * BITS;
    }
    return SEL_NONE;
}

void selector_free_range(sel_t sel, unsigned order)
{
    u32 word = sel / BITS;
    if (order >= WORD_ORDER)
        free_words(word, 1u << (order - WORD_ORDER));
    else
        __atomic_fetch_and(&rt_selector_bitmap[word], ~(bits(order) << (sel % BITS)),
                           __ATOMIC_RELEASE);
    if (word < __atomic_load_n(&hint, __ATOMIC_RELAXED))
        __atomic_store_n(&hint, word, __ATOMIC_RELAXED);
}

void selector_free(sel_t sel)
{
    selector_free_range(sel, 0);
}

void selector_drop(sel_t sel)
{
    if (sel == SEL_NONE)
        return;
    hc_drop(sel);
    selector_free(sel);
}
