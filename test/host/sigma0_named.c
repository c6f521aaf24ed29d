// needs:
// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// sigma0's named objects: what names an object that has gone, in a request under way or in a word
// that the kernel hands back, never names the next one at its selector, nor does what is given away
// late. What rests is given back when it is needed.
#include "test/host/host_kernel.h"

#include "lib/rt/selector.c"
#include "lib/rt/dry.c"
#include "lib/rt/sync.c"
#include "sigma0/named.c"
#include "sigma0/shelf.c"

NORETURN void rt_panic(const char *format, ...)
{
    printf("FAIL panic: %s\n", format);
    exit(1);
}

void *heap_zalloc(size_t bytes)
{
    return calloc(1, bytes);
}

void heap_free(void *object)
{
    free(object);
}

static unsigned released;

static void release(struct named *named)
{
    (void)named;
    released++;
}

// A name as the kernel translates it: the selector, and the semaphore's counter.
static struct typed_item translated(const struct named *named)
{
    return (struct typed_item){crd(CRD_OBJ, named->sel, 0, 0),
                               host_sm[named->sel].counter << ITEM_TAG_SHIFT};
}

static struct named *found(struct named *named)
{
    if (named)
        named_put(named);
    return named;
}

static void end(struct named *named)
{
    unsigned before = released;
    CHECK(named_withdraw(named));
    CHECK(!named_withdraw(named));
    CHECK(released == before);
    named_put(named);
    CHECK(released == before + 1);
}

static void objects_are_found_by_name_and_type(void)
{
    struct named named = {0};
    CHECK(!named_create(&named, NAMED_DOMAIN, release));
    CHECK(found(named_find(translated(&named), NAMED_DOMAIN)) == &named);
    CHECK(found(named_find_word(named_word(&named), NAMED_DOMAIN)) == &named);
    CHECK(!named_find(translated(&named), NAMED_THREAD));
    CHECK(!named_find_word(named_word(&named), NAMED_THREAD));
    struct typed_item item = translated(&named);
    item.crd = crd(CRD_MEM, named.sel, 0, 0);
    CHECK(!named_find(item, NAMED_DOMAIN));
    CHECK(!named_find((struct typed_item){0, 0}, NAMED_DOMAIN));
    CHECK(!named_find_word(0, NAMED_DOMAIN) && !named_find_word(~0ul, NAMED_DOMAIN));
    end(&named);
    CHECK(!named_find(translated(&named), NAMED_DOMAIN));
}

static void a_late_request_does_not_find_the_next_object(void)
{
    struct named first = {0}, second = {0};
    CHECK(!named_create(&first, NAMED_DATASPACE, release));
    struct typed_item late = translated(&first);
    word_t late_word = named_word(&first);
    end(&first);
    unsigned taken_back = host_sm[first.sel].taken_back;
    unsigned long before = host_hypercalls;
    CHECK(!named_create(&second, NAMED_DATASPACE, release));
    CHECK(second.sel == first.sel);                 // else this shows nothing
    CHECK(host_hypercalls == before && taken_back); // it rested, and nobody had it any more
    CHECK(!named_find(late, NAMED_DATASPACE));
    CHECK(!named_find_word(late_word, NAMED_DATASPACE));
    CHECK(found(named_find(translated(&second), NAMED_DATASPACE)) == &second);
    CHECK(found(named_find_word(named_word(&second), NAMED_DATASPACE)) == &second);
    end(&second);
}

// The life that a delegation names is the one the semaphore is in, and not the next one's.
static void what_is_given_away_late_is_of_its_own_life(void)
{
    struct named first = {0}, second = {0};
    CHECK(!named_create(&first, NAMED_DATASPACE, release));
    struct typed_item given = named_item(&first, 3);
    CHECK(given.how >> ITEM_LIFE_SHIFT == host_sm[first.sel].counter);
    CHECK((u32)given.how == (3 << ITEM_TAG_SHIFT | ITEM_DELEGATE));
    end(&first);
    CHECK(given.how >> ITEM_LIFE_SHIFT != host_sm[crd_base(given.crd)].counter);
    CHECK(!named_create(&second, NAMED_DATASPACE, release));
    CHECK(second.sel == first.sel);
    CHECK(given.how >> ITEM_LIFE_SHIFT != host_sm[crd_base(given.crd)].counter);
    end(&second);
}

// However often they are used, destroyed and made again, no selector has one life twice.
static void no_life_comes_again(void)
{
    static u64 last[HOST_SELECTORS];
    struct named many[2 * SHELF_ITEMS];
    for (unsigned round = 0; round < 50; round++) {
        for (unsigned i = 0; i < ARRAY_SIZE(many); i++) {
            many[i] = (struct named){0};
            CHECK(!named_create(&many[i], NAMED_THREAD, release));
            CHECK(host_sm[many[i].sel].counter == named_word(&many[i]) >> NAMED_SEL_BITS);
            CHECK(named_word(&many[i]) > last[many[i].sel]);
            last[many[i].sel] = named_word(&many[i]);
        }
        for (unsigned i = 0; i < ARRAY_SIZE(many); i++)
            end(&many[(i * 7 + round) % ARRAY_SIZE(many)]);
        if (round % 3 == 2)
            CHECK(named_drain() && !named_drain());
    }
}

// Some rest, for each CPU, and no more; whoever needs what they take gets it.
static void what_rests_is_as_good_as_free(void)
{
    struct named many[2 * SHELF_ITEMS];
    (void)named_drain();
    unsigned live = host_sm_live;
    for (unsigned i = 0; i < ARRAY_SIZE(many); i++) {
        many[i] = (struct named){0};
        CHECK(!named_create(&many[i], NAMED_DATASPACE, release));
    }
    for (unsigned i = 0; i < ARRAY_SIZE(many); i++)
        end(&many[i]);
    CHECK(host_sm_live == live + SHELF_ITEMS);
    // Of another CPU, while there is no kernel memory for more.
    host_hip.cpu_count = 2;
    thread_words()->cpu = 1;
    host_sm_limit = host_sm_live;
    many[0] = (struct named){0};
    CHECK(!named_create(&many[0], NAMED_DATASPACE, release));
    CHECK(host_sm_live == live + 1);
    end(&many[0]);
    host_sm_limit = HOST_SELECTORS;
    thread_words()->cpu = 0;
    CHECK(named_drain());
    CHECK(host_sm_live == live);
}

// The kernel tells no counter of another object: what was entered with a selector of its own has
// no lives, and no client's name finds it.
static void what_was_entered_has_one_life(void)
{
    struct named named = {0};
    struct typed_item plain = {crd(CRD_OBJ, 0x300, 0, 0), 0};
    CHECK(!named_enter(&named, 0x300, NAMED_PD, release));
    CHECK(found(named_find(plain, NAMED_PD)) == &named);
    CHECK(!named_find(plain, NAMED_DOMAIN));
    CHECK(named_leave(&named) && !named_leave(&named));
    CHECK(!named_find(plain, NAMED_PD));
}

static void failure_leaves_nothing(void)
{
    struct named named = {0};
    (void)named_drain();
    host_out_of_kmem = true;
    CHECK(named_create(&named, NAMED_DOMAIN, release) == EMEM);
    host_out_of_kmem = false;
}

int main(void)
{
    RUN(objects_are_found_by_name_and_type);
    RUN(a_late_request_does_not_find_the_next_object);
    RUN(what_is_given_away_late_is_of_its_own_life);
    RUN(no_life_comes_again);
    RUN(what_rests_is_as_good_as_free);
    RUN(what_was_entered_has_one_life);
    RUN(failure_leaves_nothing);
    return check_failures != 0;
}
