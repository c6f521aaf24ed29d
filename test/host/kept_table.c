// needs:
// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Records that survive their program (lib/service/kept_table.h): against a model, through a death
// before and after each thing that is written, and with memory that somebody has scribbled on.
#include "test/host/check.h"

#include <setjmp.h>
#include <stdlib.h>

// A death: the next copy goes so many bytes far, or the next word is not written.
static int steps_left = -1; // -1: lives on
static jmp_buf dead;

static void step(void)
{
    if (steps_left >= 0 && steps_left-- == 0)
        longjmp(dead, 1);
}

static void *copy_or_die(void *to, const void *from, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        step();
        ((unsigned char *)to)[i] = ((const unsigned char *)from)[i];
    }
    return to;
}

#include "lib/rt/string.h"
#define memcpy copy_or_die
#define __atomic_store_n(word, value, order) (step(), (void)(*(word) = (value)))
#include "lib/service/kept_table.c"
#undef memcpy
#undef __atomic_store_n

enum { RECORD = 24, COUNT = 8, BYTES = 2048, ROUNDS = 20000 };

static _Alignas(8) u8 memory[BYTES];
static u8 model[COUNT + 3][RECORD]; // by number; the first byte is 0 where there is none

static void record_make(u8 record[RECORD], unsigned n)
{
    memset(record, (int)(n % 255 + 1), RECORD);
}

static bool same_as_model(const struct kept_table *t)
{
    size_t position = 0, found = 0, expected = 0;
    while (kept_table_next(t, &position))
        found++;
    for (u64 number = 1; number < COUNT + 3; number++) {
        const u8 *record = kept_table_find(t, number);
        if (!record != !model[number][0] || (record && memcmp(record, model[number], RECORD)))
            return false;
        expected += record != NULL;
    }
    return found == expected;
}

static void reset(struct kept_table *t, size_t count)
{
    memset(memory, 0, sizeof(memory));
    memset(model, 0, sizeof(model));
    CHECK(!kept_table_open(t, memory, kept_table_bytes(RECORD, count), RECORD));
    CHECK(t->count == count);
}

static void records_are_what_was_put(void)
{
    struct kept_table t, again;
    u8 record[RECORD];
    reset(&t, COUNT);
    unsigned used = 0;
    for (unsigned i = 0; i < ROUNDS && !check_failures; i++) {
        u64 number = 1 + random_below(COUNT + 2);
        if (random_below(3)) {
            record_make(record, i);
            error_t error = kept_table_put(&t, number, record);
            bool fits = model[number][0] || used < COUNT;
            CHECK(error == (fits ? SUCCESS : ERESOURCE));
            used += fits && !model[number][0];
            if (fits)
                memcpy(model[number], record, RECORD);
        } else {
            kept_table_remove(&t, number);
            used -= model[number][0] != 0;
            model[number][0] = 0;
        }
        CHECK(kept_table_open(&again, memory, kept_table_bytes(RECORD, COUNT), RECORD));
        CHECK(same_as_model(&again));
    }
    CHECK(kept_table_put(&t, 0, record) == EPARAM);
    CHECK(!kept_table_find(&t, 0));
}

// Before or after, never in between; and all other records as they were.
static void a_death_at_each_step_leaves_old_or_new(void)
{
    enum { OTHER = 2, SUBJECT = 1 };
    for (unsigned what = 0; what < 3; what++) { // put anew, put again, remove
        for (volatile int steps = 0; steps < 100 && !check_failures; steps++) {
            struct kept_table t;
            u8 old[RECORD], new[RECORD], other[RECORD];
            record_make(old, 1);
            record_make(new, 2);
            record_make(other, 3);
            reset(&t, COUNT);
            CHECK(!kept_table_put(&t, OTHER, other));
            if (what)
                CHECK(!kept_table_put(&t, SUBJECT, old));
            volatile bool lived = false;
            steps_left = steps;
            if (!setjmp(dead)) {
                if (what < 2)
                    CHECK(!kept_table_put(&t, SUBJECT, new));
                else
                    kept_table_remove(&t, SUBJECT);
                lived = true;
            }
            steps_left = -1;
            CHECK(kept_table_open(&t, memory, kept_table_bytes(RECORD, COUNT), RECORD));
            const u8 *found = kept_table_find(&t, SUBJECT);
            bool before = what ? found && !memcmp(found, old, RECORD) : !found,
                 after = what < 2 ? found && !memcmp(found, new, RECORD) : !found;
            CHECK(lived ? after : before);
            found = kept_table_find(&t, OTHER);
            CHECK(found && !memcmp(found, other, RECORD));
        }
    }
}

static void a_death_while_it_is_made_leaves_none(void)
{
    struct kept_table t;
    for (volatile int steps = 0; steps < 2; steps++) {
        memset(memory, 0xa5, sizeof(memory));
        steps_left = steps;
        if (!setjmp(dead))
            CHECK(!kept_table_open(&t, memory, sizeof(memory), RECORD));
        steps_left = -1;
        CHECK(!kept_table_open(&t, memory, sizeof(memory), RECORD));
        size_t position = 0;
        CHECK(!kept_table_next(&t, &position));
    }
}

// Whatever stands there, nothing outside is touched (the sanitizers look) and all ends.
static void scribbled_memory_harms_nobody(void)
{
    struct kept_table t;
    u8 record[RECORD];
    for (unsigned i = 0; i < ROUNDS && !check_failures; i++) {
        size_t bytes = (size_t)random_below(BYTES);
        u8 *own = malloc(bytes + 1);
        for (size_t k = 0; k < bytes; k++)
            own[k] = (u8)random_next();
        if (bytes >= sizeof(struct header) && i % 2) // what looks right
            *(struct header *)(void *)own = (struct header){
                TABLE_MAGIC, RECORD, (bytes - sizeof(struct header)) / slot_bytes(RECORD), 0};
        (void)kept_table_open(&t, own, bytes, RECORD);
        record_make(record, i);
        error_t error = kept_table_put(&t, 5, record);
        CHECK(!error || error == ERESOURCE);
        const u8 *found = kept_table_find(&t, 5);
        CHECK(error || (found && !memcmp(found, record, RECORD)));
        size_t position = 0, count = 0;
        for (u64 number; (number = kept_table_next(&t, &position)); count++)
            (void)kept_table_find(&t, number);
        CHECK(count <= t.count);
        kept_table_remove(&t, 5);
        free(own);
    }
}

static void another_shape_begins_anew(void)
{
    struct kept_table t;
    u8 record[2 * RECORD] = {1};
    reset(&t, COUNT);
    CHECK(!kept_table_put(&t, 9, record));
    CHECK(!kept_table_open(&t, memory, kept_table_bytes(RECORD, COUNT), 2 * RECORD));
    CHECK(!kept_table_find(&t, 9));
    CHECK(!kept_table_put(&t, 9, record));
    CHECK(!kept_table_open(&t, memory, kept_table_bytes(2 * RECORD, 1), 2 * RECORD));
    CHECK(!kept_table_open(&t, memory, 3, RECORD));
    CHECK(kept_table_put(&t, 9, record) == ERESOURCE);
}

int main(void)
{
    RUN(records_are_what_was_put);
    RUN(a_death_at_each_step_leaves_old_or_new);
    RUN(a_death_while_it_is_made_leaves_none);
    RUN(scribbled_memory_harms_nobody);
    RUN(another_shape_begins_anew);
    return check_failures != 0;
}
