// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What this copy of libucl takes from the program it comes with: a hash of keys (here FNV-1a).
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef uint64_t rspamd_cryptobox_fast_hash_state_t;

static inline void rspamd_cryptobox_fast_hash_init(uint64_t *state, uint64_t seed)
{
    *state = seed ^ 0xcbf29ce484222325ull;
}
static inline void rspamd_cryptobox_fast_hash_update(uint64_t *state, const void *data,
                                                     size_t length)
{
    for (size_t i = 0; i < length; i++)
        *state = (*state ^ ((const unsigned char *)data)[i]) * 0x100000001b3ull;
}
static inline uint64_t rspamd_cryptobox_fast_hash_final(const uint64_t *state)
{
    return *state;
}
static inline uint64_t rspamd_cryptobox_fast_hash(const void *data, size_t length, uint64_t seed)
{
    uint64_t state;
    rspamd_cryptobox_fast_hash_init(&state, seed);
    rspamd_cryptobox_fast_hash_update(&state, data, length);
    return state;
}
