// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// ROM and LOG (002_8bbc1eeec7f51661.txt, Access to boot modules; Logging).
#include "lib/core/dataspace.h"
#include "lib/core/log.h"
#include "lib/rt/selector.h"
#include "lib/rt/start.h"
#include "lib/rt/string.h"
#include "lib/rt/thread.h"
#include "test/system/check.h"
#include "test/system/core/core.h"
#include "test/system/core/space.h"

#define HERE 0x10000000ul

static struct space s;

// What was logged from a position on: whether that text stands there.
static struct service_client reader;
static u64 log_end(void)
{
    char text[2048];
    u64 at = 0;
    size_t length = 1;
    while (length && !log_read(&reader, &at, text, sizeof(text), &length))
        ;
    return at;
}
static char since[16384];
static bool logged(u64 at, const char *text)
{
    size_t had = 0, length = 1, wanted = strlen(text);
    while (length && sizeof(since) - had > 2048 &&
           !log_read(&reader, &at, since + had, 2048, &length))
        had += length;
    for (size_t i = 0; i + wanted <= had; i++) {
        if (!memcmp(since + i, text, wanted))
            return true;
    }
    return false;
}

static void rom_has_modules(void)
{
    struct rom rom, again;
    CHECK_EQ(rom_open(&rom, ""), ENOTFOUND);
    CHECK_EQ(rom_open(&rom, "init"), SUCCESS);
    CHECK(rom.size > PAGE_SIZE && !memcmp(rom.data, "\177ELF", 4));
    CHECK_EQ(rom_open(&again, "init"), SUCCESS);
    CHECK(!memcmp(rom.data, again.data, rom.size));
    rom_close(&again);
    CHECK(!memcmp(rom.data, "\177ELF", 4));
    const void *data = rom.data;
    rom_close(&rom);
    crd_t found;
    CHECK_EQ(hc_lookup(crd(CRD_MEM, (word_t)data / PAGE_SIZE, 0, RIGHT_ALL), &found), ECAP);
}

static void unknown_modules_are_told_in_words(void)
{
    struct rom rom;
    CHECK_EQ(open_args(&reader, "log", "read", 0), SUCCESS);
    u64 at = log_end();
    CHECK_EQ(rom_open(&rom, "no such module"), ENOTFOUND);
    CHECK(logged(at, "no ROM module \"no such module\"; there are \"sigma0\", \"init\""));
    service_close(&reader);
}

static bool faults_at(enum code_piece p, word_t address, unsigned bits)
{
    struct thread_exception e = {.thread = SEL_NONE};
    error_t error = space_thread(&s, 0, p, address) == SEL_NONE ? EMEM : space_exception(&s, &e);
    bool so =
        !error && e.vector == EXC_PAGE_FAULT && e.address == address && (e.error_code & 18) == bits;
    if (!so)
        print("  %s: vector %lu, address %lx, error code %lx\n", error_name(error), e.vector,
              e.address, e.error_code);
    selector_drop(e.thread);
    return so;
}

// Its pages are the archive's own, the same in each session; they are read, and never written.
static void rom_is_a_dataspace(void)
{
    struct service_client rom, other;
    struct rom mapped;
    sel_t ds, same;
    u64 bytes, physical, other_physical, size;
    CHECK(space_open(&s));
    CHECK_EQ(open_args(&rom, "rom", "init", 0), SUCCESS);
    CHECK_EQ(open_args(&other, "rom", "init", 0), SUCCESS);
    CHECK_EQ(rom_open(&mapped, "init"), SUCCESS);
    CHECK_EQ(rom_dataspace(&rom, &ds, &bytes), SUCCESS);
    CHECK_EQ(rom_dataspace(&other, &same, NULL), SUCCESS);
    CHECK_EQ(bytes, mapped.size);
    CHECK_EQ(ds_phys(&s.pd, ds, &physical, &size), SUCCESS);
    CHECK_EQ(size, ALIGN_UP(bytes, PAGE_SIZE));
    CHECK_EQ(ds_phys(&s.pd, same, &other_physical, &size), SUCCESS);
    CHECK_EQ(physical, other_physical);
    // Writing is not among its rights, whoever asks for it.
    CHECK_EQ(space_attach(&s, ds, HERE, RM_WRITE), SUCCESS);
    CHECK_EQ(space_attach(&s, same, 2 * HERE, RM_WRITE | RM_POPULATE), SUCCESS);
    word_t last = ALIGN_DOWN(bytes, PAGE_SIZE) - 8;
    CHECK(space_thread(&s, hip()->cpu_count - 1, PIECE_READ, HERE + last) != SEL_NONE);
    CHECK(moves(&s.shared->counter[0]));
    CHECK_EQ(s.shared->value[0], *(const u64 *)((const char *)mapped.data + last));
    char text[4];
    size_t length = sizeof(text);
    CHECK_EQ(domain_read(&s.pd, s.domain.domain, HERE, text, &length), SUCCESS);
    CHECK(length == sizeof(text) && !memcmp(text, mapped.data, length));
    CHECK_EQ(domain_write(&s.pd, s.domain.domain, HERE, text, &length), EPERM);
    CHECK(faults_at(PIECE_TOUCH, HERE, 2));
    CHECK(faults_at(PIECE_TOUCH, 2 * HERE + last, 2));
    CHECK(!memcmp(mapped.data, "\177ELF", 4));
    rom_close(&mapped);
    // One session ends: its dataspace goes, the other's stays.
    service_close(&rom);
    CHECK_EQ(rm_detach(&s.pd, s.domain.space, HERE), ENOTFOUND);
    CHECK_EQ(space_attach(&s, ds, HERE, 0), ENOTFOUND);
    CHECK(faults_at(PIECE_READ, HERE + last, 0));
    u64 first = 0;
    memcpy(&first, "\177ELF\2\1\1", 8);
    CHECK(space_reads(&s, 2 * HERE, first));
    service_close(&other);
    selector_drop(ds);
    selector_drop(same);
    space_close(&s);
}

static void log_can_be_read_by_who_may(void)
{
    struct service_client c;
    u64 at = 0;
    size_t length;
    sel_t more;
    CHECK_EQ(open_args(&c, "log", "", 0), SUCCESS);
    CHECK_EQ(log_read(&c, &at, since, sizeof(since), &length), EPERM);
    CHECK_EQ(log_watch(&c, &more), EPERM);
    service_close(&c);
    CHECK_EQ(open_args(&reader, "log", "read", 0), SUCCESS);
    at = log_end();
    print("a line to be found\n");
    CHECK(logged(at, "[init] a line to be found\n"));
    CHECK_EQ(log_watch(&reader, &more), SUCCESS);
    u64 taken;
    CHECK_EQ(hc_sm_down_zero(more, DEADLINE_NEVER, &taken), SUCCESS);
    print("another\n");
    CHECK_EQ(hc_sm_down(more, DEADLINE_NEVER), SUCCESS);
    selector_drop(more);
    service_close(&reader);
}

static void log_lines_carry_labels(void)
{
    static char text[1000];
    struct service_client a, b, deep;
    static char label[100];
    struct service_quota none = {0, 0};
    CHECK_EQ(open_args(&reader, "log", "read", 0), SUCCESS);
    u64 at = log_end();
    CHECK_EQ(open_args(&a, "log", "", 0), SUCCESS);
    CHECK_EQ(service_init(&b, "log", "other -> part", "", none), SUCCESS);
    CHECK_EQ(log_write(&a, "begun by one, ", 14), SUCCESS);
    CHECK_EQ(log_write(&b, "by the other\n", 13), SUCCESS);
    CHECK_EQ(log_write(&a, "ended\nand a line without an end", 31), SUCCESS);
    CHECK(logged(at, "[init -> other -> part] by the other\n[init -> test] begun by one, ended\n"));
    CHECK(!logged(at, "without an end"));
    service_close(&a); // completes it
    CHECK(logged(at, "[init -> test] and a line without an end\n"));
    // Nobody forges another's line; what is longer than a line is cut, and none of it lost.
    CHECK_EQ(log_write(&b, "x\r[init] forged\n", 16), SUCCESS);
    CHECK(logged(at, "[init -> other -> part] x?[init] forged\n"));
    CHECK_EQ(try_args("rom", "x\n[init] forged"), EPROTO);
    CHECK_EQ(service_init(&deep, "log", "x\r[init] forged", "", none), SUCCESS);
    CHECK_EQ(service_open(&deep), EPROTO);
    service_close(&deep);
    for (unsigned i = 0; i < sizeof(text); i++)
        text[i] = (char)('a' + i % 26);
    text[sizeof(text) - 1] = '\n';
    at = log_end();
    CHECK_EQ(log_write(&b, text, sizeof(text)), SUCCESS);
    CHECK(logged(at, "[init -> other -> part] abc"));
    size_t letters = 0;
    bool in_label = false;
    for (const char *c = since; letters < sizeof(text) - 1; c++) {
        if (*c == '[')
            in_label = true;
        if (!in_label && *c != '\n')
            CHECK_EQ(*c, 'a' + letters++ % 26);
        if (*c == ' ' && c[-1] == ']')
            in_label = false;
    }
    // A label that is too long keeps its end.
    memset(label, 'l', sizeof(label) - 1);
    memcpy(label + sizeof(label) - 5, "last", 4);
    CHECK_EQ(service_init(&deep, "log", label, "", none), SUCCESS);
    CHECK_EQ(log_write(&deep, "!\n", 2), SUCCESS);
    CHECK(logged(at, "lllast] !\n"));
    service_close(&deep);
    service_close(&b);
    service_close(&reader);
}

enum { WRITERS = 4, LINES = 100, PIECES_A_LINE = 5 };
static void write_by_pieces(void *argument)
{
    struct service_client c;
    char piece[8] = "_______";
    memset(piece, (int)(word_t)argument, 7);
    if (service_init(&c, "log", "w", "", (struct service_quota){0, 0}))
        return;
    for (unsigned i = 0; i < LINES * PIECES_A_LINE; i++)
        (void)!log_write(&c, i % PIECES_A_LINE == PIECES_A_LINE - 1 ? "\n" : piece,
                         i % PIECES_A_LINE == PIECES_A_LINE - 1 ? 1 : 7);
    service_close(&c);
}

// Several clients at once, each writing its lines by pieces, on all CPUs.
static void log_lines_never_mix(void)
{
    struct thread t[WRITERS];
    unsigned whole[WRITERS] = {0};
    char text[2048];
    size_t length;
    CHECK_EQ(open_args(&reader, "log", "read", 0), SUCCESS);
    u64 at = log_end();
    for (unsigned i = 0; i < WRITERS; i++)
        CHECK_EQ(thread_create(&t[i], i % hip()->cpu_count, 20, "writer", write_by_pieces,
                               (void *)(word_t)('A' + i)),
                 SUCCESS);
    for (unsigned i = 0; i < WRITERS; i++)
        thread_join(&t[i]);
    while (!log_read(&reader, &at, text, sizeof(text), &length) && length) {
        for (const char *line = text; line < text + length;
             line = (const char *)memchr(line, '\n', 2048) + 1) {
            static const char label[] = "[init -> w] ";
            if (memcmp(line, label, sizeof(label) - 1))
                continue;
            line += sizeof(label) - 1;
            CHECK(*line >= 'A' && *line < 'A' + WRITERS);
            for (unsigned i = 1; i < 7 * (PIECES_A_LINE - 1); i++)
                CHECK_EQ(line[i], line[0]);
            CHECK_EQ(line[7 * (PIECES_A_LINE - 1)], '\n');
            whole[*line - 'A']++;
        }
    }
    for (unsigned i = 0; i < WRITERS; i++)
        CHECK_EQ(whole[i], LINES);
    service_close(&reader);
}

void rom_tests(void)
{
    RUN(rom_has_modules);
    RUN(unknown_modules_are_told_in_words);
    RUN(rom_is_a_dataspace);
    RUN(log_can_be_read_by_who_may);
    RUN(log_lines_carry_labels);
    RUN(log_lines_never_mix);
}
