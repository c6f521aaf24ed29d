// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The configuration compiler as its clients see it: texts are loaded, changed and shown, what is
// wrong is told and changes nothing, and readers of the ROM module see whole versions.
#include "lib/rt/address.h"
#include "lib/rt/heap.h"
#include "lib/rt/selector.h"
#include "lib/rt/string.h"
#include "lib/rt/tsc.h"
#include "lib/service/config_text.h"
#include "lib/service/env.h"
#include "test/system/check.h"
#include <libfdt.h>

enum {
    TEXT_SIZE = 64 * 1024,
    RAM = 80 * 1024,
    CHANGES = 500,
    TREE_MOST = 64 * 1024, // of a tree that is mapped
    SHORT_US = 50000,
    WAIT_US = 20000000
};
#define CLOCK "child clock { ram = 512Kb; caps = 128; "

static struct service_client compiler, module;
static struct config_answer answer;
static sel_t changed;
static char *text, shown[TEXT_SIZE + 1];
static size_t shown_length;

static error_t load(const char *from)
{
    return config_text_load(&compiler, from, strlen(from), &answer);
}

static bool said(const char *what)
{
    for (const char *at = answer.errors; *at; at++) {
        if (!strncmp(at, what, strlen(what)))
            return true;
    }
    print("  found: %s  expected: %s\n", answer.errors, what);
    return false;
}

static void show_part(const char *part, size_t length, void *context)
{
    (void)context;
    if (shown_length + length <= TEXT_SIZE)
        memcpy(shown + shown_length, part, length);
    shown_length += length;
}

static error_t show(void)
{
    shown_length = 0;
    error_t error = config_text_show(&compiler, show_part, NULL);
    shown[shown_length <= TEXT_SIZE ? shown_length : 0] = 0;
    return error;
}

// Maps what the module is now to that address, of TREE_MOST bytes, where something may be mapped.
static error_t map_module_at(struct service_client *rom, word_t address)
{
    struct msg m;
    word_t w[4] = {0};
    error_t error = service_call_words(rom, ROM_SIZE, w);
    if (error)
        return error;
    if (w[1] > TREE_MOST)
        return ERESOURCE;
    hc_revoke(SEL_PD, crd(CRD_MEM, address / PAGE_SIZE, address_order(TREE_MOST), RIGHT_ALL),
              REVOKE_SELF);
    crd_t old = utcb()->window;
    service_begin(rom, &m, ROM_DATASPACE);
    utcb()->window = crd(CRD_MEM, address / PAGE_SIZE, address_order(w[1]), RIGHT_ALL);
    error = service_call(rom, &m);
    utcb()->window = old;
    return error ? error : fdt_check_full((const void *)address, w[1]) ? EPROTO : SUCCESS;
}

// Likewise to a new one; what was mapped before stays until the next time.
static error_t map_module(struct service_client *rom, const void **tree)
{
    word_t address = address_alloc(TREE_MOST);
    *tree = (const void *)address;
    return address ? map_module_at(rom, address) : EMEM;
}

static u64 number_of(const void *tree, const char *path, const char *name)
{
    int length, node = fdt_path_offset(tree, path);
    const void *value = node < 0 ? NULL : fdt_getprop(tree, node, name, &length);
    return value && length == 8 ? fdt64_ld(value) : 0;
}

static error_t watch(void)
{
    struct msg m;
    crd_t old = utcb()->window;
    service_begin(&module, &m, ROM_WATCH);
    utcb()->window = crd(CRD_OBJ, changed, 0, RIGHT_ALL);
    error_t error = service_call(&module, &m);
    utcb()->window = old;
    return error;
}

static bool module_changes_within(u64 us)
{
    u64 taken;
    return hc_sm_down_zero(changed, deadline_in_us(us), &taken) == SUCCESS;
}

static bool module_changed(void)
{
    return module_changes_within(WAIT_US);
}

static bool module_stays(void)
{
    return !module_changes_within(SHORT_US);
}

static void first_text_is_in_force(void)
{
    const void *tree;
    CHECK_EQ(show(), SUCCESS);
    CHECK(!strncmp(shown, "# In force at the start", 23));
    CHECK_EQ(map_module(&module, &tree), SUCCESS);
    CHECK_EQ(number_of(tree, "/clock", "ram"), 512 * 1024);
    CHECK_EQ(number_of(tree, "/clock/config", "every"), 1000000);
}

static void item_is_set_and_reader_wakes(void)
{
    const void *before, *tree;
    CHECK_EQ(map_module(&module, &before), SUCCESS);
    CHECK_EQ(watch(), SUCCESS);
    CHECK(module_stays());
    CHECK_EQ(config_text_set(&compiler, "clock.ram", "1Mb", &answer), SUCCESS);
    CHECK_EQ(answer.version, 2);
    CHECK(module_changed());
    CHECK_EQ(map_module(&module, &tree), SUCCESS);
    CHECK_EQ(number_of(tree, "/clock", "ram"), 1024 * 1024);
    CHECK_EQ(number_of(before, "/clock", "ram"), 512 * 1024);
}

static void what_is_wrong_changes_nothing(void)
{
    const void *tree;
    CHECK_EQ(config_text_set(&compiler, "clock.ram", "64", &answer), SUCCESS);
    CHECK(!answer.version && said("config: clock.ram: found \"64\", expected a size"));
    CHECK_EQ(config_text_set(&compiler, "clock.ram.x", "64", &answer), SUCCESS);
    CHECK(!answer.version && said("config: clock.ram: found \"1048576\", expected a block"));
    CHECK_EQ(load("child a {\n    ram = ;\n}\n"), SUCCESS);
    CHECK(!answer.version && said("line: 2, column: 10"));
    CHECK_EQ(load(".include \"/etc/passwd\"\n"), SUCCESS);
    CHECK(!answer.version && said("config: text: "));
    CHECK_EQ(load(""), SUCCESS);
    CHECK(!answer.version && said("config: child: found none, expected at least one"));
    CHECK(module_stays());
    CHECK_EQ(map_module(&module, &tree), SUCCESS);
    CHECK_EQ(number_of(tree, "/clock", "ram"), 1024 * 1024);
}

static void long_text_comes_in_pieces(void)
{
    size_t length = 0;
    while (length < 20000)
        length += text_format(text + length, TEXT_SIZE - length, "# line %zu\n", length);
    strlcpy(text + length, CLOCK "}\n", TEXT_SIZE - length);
    CHECK_EQ(load(text), SUCCESS);
    CHECK_EQ(answer.version, 3);
    CHECK(module_changed());
    CHECK_EQ(show(), SUCCESS);
    CHECK(!strcmp(shown, text));
}

static void many_errors_are_counted(void)
{
    size_t length = 0;
    for (unsigned i = 0; i < 400; i++)
        length += text_format(text + length, TEXT_SIZE - length, "child c%u { }\n", i);
    CHECK_EQ(load(text), SUCCESS);
    CHECK(!answer.version && said("config: c0.ram: found nothing") && said(" more\n"));
}

static void deep_text_harms_nobody(void)
{
    for (size_t i = 0; i < 60000; i += 3)
        strlcpy(text + i, "a {", TEXT_SIZE - i);
    CHECK_EQ(load(text), SUCCESS);
    CHECK(!answer.version && said("config: child: found more than 64 blocks in each other"));
    CHECK_EQ(show(), SUCCESS);
    CHECK(!strncmp(shown, "# line 0\n", 9));
}

static error_t load_piece(word_t position, word_t total, const char *piece)
{
    struct msg m;
    service_begin(&compiler, &m, CONFIG_LOAD);
    msg_put_word(&m, position);
    msg_put_word(&m, total);
    msg_put_string(&m, piece);
    return service_call(&compiler, &m);
}

static void nonsense_is_refused(void)
{
    struct rom other;
    CHECK_EQ(load_piece(1, 10, "x"), EPROTO);
    CHECK_EQ(load_piece(0, 10, "12345"), SUCCESS);
    CHECK_EQ(load_piece(4, 10, "12345"), EPROTO);
    CHECK_EQ(load_piece(5, 11, "12345"), EPROTO);
    CHECK_EQ(load_piece(5, 10, "123456"), EPROTO);
    CHECK_EQ(load_piece(0, TEXT_SIZE + 1, "x"), ERESOURCE);
    CHECK_EQ(load_piece(0, ~0ul, "x"), ERESOURCE);
    CHECK_EQ(service_call0(&compiler, 99), EPROTO);
    CHECK_EQ(service_call0(&module, 99), EPROTO);
    CHECK_EQ(rom_open(&other, "shell"), ENOTFOUND);
}

static void text_is_charged_to_the_session(void)
{
    struct service_client poor;
    CHECK_EQ(service_init(&poor, "config", "", "", (struct service_quota){4096, 0}), SUCCESS);
    poor.fixed = true;
    CHECK_EQ(config_text_load(&poor, CLOCK "}", strlen(CLOCK "}"), &answer), SUCCESS);
    CHECK(answer.version);
    memset(text, ' ', 8192);
    text[8192] = 0;
    CHECK_EQ(config_text_load(&poor, text, 8192, &answer), ERESOURCE);
    service_close(&poor);
}

// So many that the component's RAM would not hold them all if one stayed behind of each. A reader
// on another CPU, if there is one, which looks at what no two versions share.
static u32 torn, seen, stop;
static void read_on(void *argument)
{
    (void)argument;
    struct service_client rom;
    word_t address = address_alloc(TREE_MOST);
    const void *tree = (const void *)address;
    if (!address || service_init(&rom, "rom", "live", "", (struct service_quota){0, 0}))
        return;
    while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
        if (map_module_at(&rom, address))
            torn++;
        else if (number_of(tree, "/clock/config", "n") != number_of(tree, "/clock/config", "m"))
            torn++;
        __atomic_store_n(&seen, seen + 1, __ATOMIC_RELEASE);
    }
    service_close(&rom);
}

static void readers_see_whole_versions(void)
{
    static struct thread reader;
    unsigned cpu = hip()->cpu_count - 1;
    CHECK_EQ(load(CLOCK "config { n = 0; m = 0 } }"), SUCCESS);
    CHECK_EQ(thread_create(&reader, cpu, 64, "reader", read_on, NULL), SUCCESS);
    u64 end = deadline_in_us(WAIT_US); // until the reader has come, too
    for (unsigned i = 1;
         i <= CHANGES || (__atomic_load_n(&seen, __ATOMIC_ACQUIRE) < 2 && rdtsc() < end); i++) {
        text_format(text, TEXT_SIZE, CLOCK "config { n = %u; fill = \"%0*u\"; m = %u } }", i,
                    (int)(i % 60 * 200), i, i);
        CHECK_EQ(load(text), SUCCESS);
        CHECK(answer.version);
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
    thread_join(&reader);
    print("  %u changes and more, %u readings\n", CHANGES, seen);
    CHECK(seen > 1 && !torn);
}

int main(void)
{
    changed = selector_alloc();
    text = heap_zalloc(TEXT_SIZE);
    if (!text || service_init(&compiler, "config", "", "", (struct service_quota){RAM, 0}) ||
        service_init(&module, "rom", "live", "", (struct service_quota){0, 0}))
        return 1;
    RUN(first_text_is_in_force);
    RUN(item_is_set_and_reader_wakes);
    RUN(what_is_wrong_changes_nothing);
    RUN(long_text_comes_in_pieces);
    RUN(many_errors_are_counted);
    RUN(deep_text_harms_nobody);
    RUN(nonsense_is_refused);
    RUN(text_is_charged_to_the_session);
    RUN(readers_see_whole_versions);
    TESTS_DONE();
    return 0;
}
