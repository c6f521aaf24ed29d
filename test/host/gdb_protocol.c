// needs: apps/gdbstub/line.c apps/gdbstub/commands.c apps/gdbstub/access.c apps/gdbstub/stops.c apps/gdbstub/registers.c lib/rt/print.c
// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// GDB's remote protocol against a target that is played: packets as the manual of gdb has them,
// lines that lose and garble bytes, and random ones.
#include "apps/gdbstub/protocol.h"
#include "apps/gdbstub/registers.h"
#include "test/host/check.h"
#include <string.h>

size_t strlcpy(char *to, const char *from, size_t size);

enum { THREADS = 3, BASE = 0x1000, BYTES = 4096, OUT = 1 << 16 };

static struct gdb gdb;
static char out[OUT];
static size_t out_length;
static struct fake {
    u8 memory[BYTES];
    struct exc_state state[THREADS];
    struct fpu_state fpu[THREADS];
    enum gdb_action did[THREADS];
    u64 breakpoint;
    unsigned interrupts, detaches, kills, attaches, resumes, alive;
    bool busy, no_fpu;
} fake;

static u64 next_thread(void *context, u64 after)
{
    (void)context;
    return after < fake.alive ? after + 1 : 0;
}

static void describe(void *context, u64 thread, char *text, size_t size)
{
    (void)context;
    snprintf(text, size, "thread %u", (unsigned)thread);
}

static error_t registers(void *context, u64 thread, bool write, unsigned mtd,
                         struct exc_state *state)
{
    (void)context;
    if (thread < 1 || thread > fake.alive)
        return ENOTFOUND;
    if (fake.busy)
        return EBUSY;
    struct exc_state *mine = &fake.state[thread - 1];
    if (!write)
        *state = *mine;
    else if (mtd & MTD_RIP)
        mine->rip = state->rip;
    if (write && mtd & MTD_GPR_ACDB)
        mine->rax = state->rax;
    return SUCCESS;
}

static error_t fpu(void *context, u64 thread, bool write, struct fpu_state *state)
{
    (void)context;
    if (thread < 1 || thread > fake.alive)
        return ENOTFOUND;
    if (fake.busy)
        return EBUSY;
    if (write && fake.no_fpu)
        return EFEATURE;
    struct fpu_state *mine = &fake.fpu[thread - 1];
    *(write ? mine : state) = *(write ? state : mine);
    return SUCCESS;
}

static size_t part(u64 address, size_t size)
{
    if (address < BASE || address - BASE >= BYTES)
        return 0;
    size_t left = BYTES - (address - BASE);
    return size < left ? size : left;
}

static size_t read_bytes(void *context, u64 address, u8 *bytes, size_t size)
{
    (void)context;
    size = part(address, size);
    if (size)
        memcpy(bytes, fake.memory + (address - BASE), size);
    return size;
}

static size_t write_bytes(void *context, u64 address, const u8 *bytes, size_t size)
{
    (void)context;
    size = part(address, size);
    if (size)
        memcpy(fake.memory + (address - BASE), bytes, size);
    return size;
}

static error_t breakpoint(void *context, u64 address, bool set)
{
    (void)context;
    if (!part(address, 1))
        return ENOTFOUND;
    fake.breakpoint = set ? address : 0;
    return SUCCESS;
}

static void resume(void *context, const struct gdb *g)
{
    (void)context;
    fake.resumes++;
    for (unsigned i = 0; i < THREADS; i++)
        fake.did[i] = gdb_action_of(g, i + 1);
}

static void interrupt(void *context)
{
    (void)context;
    fake.interrupts++;
    gdb_stopped(&gdb, &(struct gdb_stop){GDB_STOPPED, GDB_SIGNAL_INT, 2, 1, false});
}

static void attach(void *context)
{
    (void)context;
    fake.attaches++;
}

static void detach(void *context)
{
    (void)context;
    fake.detaches++;
    gdb_runs(&gdb);
}

static void kill(void *context)
{
    (void)context;
    fake.kills++;
    gdb_stopped(&gdb, &(struct gdb_stop){GDB_TERMINATED, GDB_SIGNAL_KILL, 0, 0, false});
}

static void send(void *context, const void *bytes, size_t size)
{
    (void)context;
    if (size > sizeof(out) - 1 - out_length)
        out_length = 0;
    memcpy(out + out_length, bytes, size);
    out_length += size;
    out[out_length] = 0;
}

static const struct gdb_target target = {next_thread, describe,   registers, fpu,    read_bytes,
                                         write_bytes, breakpoint, resume,    attach, interrupt,
                                         detach,      kill,       send};

static void start(void)
{
    memset(&fake, 0, sizeof(fake));
    fake.alive = THREADS;
    for (unsigned i = 0; i < THREADS; i++)
        fake.state[i] = (struct exc_state){.rip = 0x1122334455667788 + i, .rax = 0xa0 + i};
    for (unsigned i = 0; i < BYTES; i++)
        fake.memory[i] = (u8)i;
    gdb_init(&gdb, &target, NULL);
    gdb_stopped(&gdb, &(struct gdb_stop){GDB_STOPPED, GDB_SIGNAL_TRAP, 1, 0, false});
    out_length = 0;
    out[0] = 0;
}

static void feed(const char *bytes, size_t size)
{
    out_length = 0;
    out[0] = 0;
    gdb_input(&gdb, (const u8 *)bytes, size);
}

// Sends a packet of `size` bytes.
static void send_packet(const char *packet, size_t size)
{
    static char line[4096];
    u8 sum = 0;
    for (size_t i = 0; i < size; i++)
        sum = (u8)(sum + (u8)packet[i]);
    line[0] = '$';
    memcpy(line + 1, packet, size);
    snprintf(line + 1 + size, 8, "#%02x", sum);
    feed(line, size + 4);
}

// The same, and returns the reply without its frame; "none" if there was none.
static const char *ask_bytes(const char *packet, size_t size)
{
    static char reply[GDB_REPLY_MAX + 1];
    u8 want = 0;
    send_packet(packet, size);
    const char *begin = strchr(out, '$'), *end = begin ? strrchr(begin, '#') : NULL;
    if (!end)
        return "none";
    for (const char *c = begin + 1; c < end; c++)
        want = (u8)(want + (u8)*c);
    CHECK(strtoul(end + 1, NULL, 16) == want && strlen(end) == 3);
    CHECK(end - begin <= GDB_REPLY_MAX + 1);
    memcpy(reply, begin + 1, (size_t)(end - begin - 1));
    reply[end - begin - 1] = 0;
    return reply;
}

static const char *ask(const char *packet)
{
    return ask_bytes(packet, strlen(packet));
}

#define SAYS(packet, answer) CHECK(!strcmp(ask(packet), answer))

static void packets_are_acknowledged(void)
{
    start();
    SAYS("qC", "QC1");
    CHECK(!strcmp(out, "+$QC1#c5"));
    feed("$qC#b3", 6); // wrong sum
    CHECK(!strcmp(out, "-"));
    feed("$qC#zz", 6);
    CHECK(!strcmp(out, "-"));
    feed("junk$q$qC#b4", 12); // a packet that was cut
    CHECK(!strcmp(out, "+$QC1#c5"));
    feed("-", 1); // once more
    CHECK(!strcmp(out, "$QC1#c5"));
    feed("+", 1);
    CHECK(!out_length);
    SAYS("QStartNoAckMode", "OK");
    CHECK(!strcmp(ask("qC"), "QC1") && out[0] == '$');
    feed("$qC#b3", 6);
    CHECK(!out_length);
    feed("-", 1);
    CHECK(!out_length);
    // Another gdb has come, which wants acknowledgements.
    CHECK(strstr(ask("qSupported:swbreak+;xmlRegisters=i386"), "PacketSize=3e8;QStartNoAckMode+"));
    CHECK(out[0] == '+' && fake.attaches == 1);
    SAYS("qC", "QC1");
    CHECK(out[0] == '+');
}

static void long_packets_are_refused(void)
{
    static char packet[GDB_PACKET_MAX + 2];
    start();
    memset(packet, 'a', sizeof(packet));
    CHECK(!strcmp(ask_bytes(packet, GDB_PACKET_MAX), "")); // unknown, but taken
    CHECK(out[0] == '+');
    ask_bytes(packet, GDB_PACKET_MAX + 1);
    CHECK(!strcmp(out, "-"));
    SAYS("qC", "QC1");
    SAYS("", "");
    SAYS("vMustReplyEmpty", "");
    SAYS("qNonsense", "");
    SAYS("Z1,1000,1", ""); // no hardware breakpoints
}

static void registers_are_read_and_written(void)
{
    enum { DIGITS = 2 * (16 * 8 + 8 + 4 + 6 * 4 + 2 * 8) };
    start();
    const char *all = ask("g");
    CHECK(strlen(all) == DIGITS);
    CHECK(!strncmp(all, "a000000000000000", 16));
    CHECK(!strncmp(all + 16 * 16, "8877665544332211", 16));
    CHECK(!strncmp(all + 17 * 16 + 8, "xxxxxxxx", 8)); // cs
    char whole[600];
    strcpy(whole, "G");
    strcat(whole, all);
    for (char *x = whole; *x; x++)
        *x = *x == 'x' ? '0' : *x;
    memcpy(whole + 1, "0102", 4);
    SAYS(whole, "OK");
    CHECK(fake.state[0].rax == 0x0201);
    whole[300] = 0;
    SAYS(whole, "E24");
    SAYS("p10", "8877665544332211");
    SAYS("p12", "xxxxxxxx");
    SAYS("p18", "0000000000000000");
    SAYS("p3a", "00000000");
    SAYS("p3b", "E05");
    SAYS("p", "E05");
    SAYS("P0=0500000000000000", "OK");
    CHECK(fake.state[0].rax == 5);
    SAYS("P12=00000000", "E0a");
    SAYS("P0=05", "E24");
    SAYS("Hg3", "OK");
    SAYS("p0", "a200000000000000");
    SAYS("Hg4", "E25");
    SAYS("Hgx", "E24");
    SAYS("H", "E24");
    fake.busy = true;
    CHECK(strspn(ask("g"), "x") == DIGITS);
    SAYS("p0", "xxxxxxxxxxxxxxxx");
    SAYS("p2a", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
}

// Places as FXSAVE has them, sizes as gdb has them.
static void fpu_is_read_and_written(void)
{
    start();
    u8 *bytes = (u8 *)&fake.fpu[0];
    for (unsigned i = 0; i < sizeof(fake.fpu[0]); i++)
        bytes[i] = (u8)(i >> 4 << 4 | (i & 15));
    SAYS("p1a", "20212223242526272829");             // st0
    SAYS("p21", "90919293949596979899");             // st7
    SAYS("p22", "00010000");                         // fctrl
    SAYS("p23", "02030000");                         // fstat
    SAYS("p26", "08090a0b");                         // fioff
    SAYS("p29", "06070000");                         // fop
    SAYS("p2a", "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"); // xmm0
    SAYS("p39", "909192939495969798999a9b9c9d9e9f"); // xmm15, at 400
    SAYS("p3a", "18191a1b");                         // mxcsr
    SAYS("P2a=000102030405060708090a0b0c0d0e0f", "OK");
    CHECK(bytes[160] == 0 && bytes[175] == 15 && bytes[176] == 0xb0 && bytes[159] == 0x9f);
    SAYS("P1a=ffffffffffffffffffff", "OK");
    CHECK(bytes[41] == 0xff && bytes[42] == 0x2a);
    SAYS("P22=7f020000", "OK");
    CHECK(bytes[0] == 0x7f && bytes[1] == 2 && bytes[2] == 2);
    SAYS("P2a=00", "E24");
    // Tags: two numbers were pushed, 1.0 and 0.0, so that register 6 is the top; 7 holds 1.0.
    memset(bytes, 0, sizeof(fake.fpu[0]));
    SAYS("p24", "ffff0000");
    bytes[3] = 6 << 3;
    bytes[4] = 0xc0;
    bytes[32 + 16 + 7] = 0x80;
    bytes[32 + 16 + 8] = 0xff;
    bytes[32 + 16 + 9] = 0x3f;
    SAYS("p24", "ff1f0000"); // 7 valid, 6 zero, the rest is empty
    SAYS("P24=ff3f0000", "OK");
    CHECK(bytes[4] == 0x80);
    fake.no_fpu = true;
    SAYS("P3a=00000000", "E0a");
    SAYS("p3a", "00000000");
}

static void memory_is_read_and_written(void)
{
    start();
    SAYS("m1000,4", "00010203");
    SAYS("m1ffe,8", "feff"); // what is there of it
    SAYS("m2000,1", "E25");
    SAYS("mffffffffffffffff,8", "E25");
    SAYS("m1000", "E24");
    SAYS("m11111111111111111,1", "E24");
    CHECK(strlen(ask("m1000,ffffffffffff")) == 1000);
    SAYS("M1000,2:aabb", "OK");
    CHECK(fake.memory[0] == 0xaa && fake.memory[1] == 0xbb);
    SAYS("M1000,3:aabb", "E24");
    SAYS("M1000,1:aabb", "E24");
    SAYS("M1fff,2:aabb", "E22");
    SAYS("M1000,ffffffff:aa", "E24");
    SAYS("X1000,0:", "OK");
    CHECK(!strcmp(ask_bytes("X1000,4:}\x03#}\x04\x00", 13), "none")); // # ends a packet
    CHECK(!strcmp(ask_bytes("X1000,4:}\x03}\x04\x00z", 14), "OK"));
    CHECK(!memcmp(fake.memory, "#$\0z", 4));
    CHECK(!strcmp(ask_bytes("X1000,2:a}", 10), "E24"));
}

static void threads_are_listed(void)
{
    start();
    SAYS("qfThreadInfo", "m1,2,3");
    SAYS("qsThreadInfo", "l");
    SAYS("qThreadExtraInfo,2", "7468726561642032");
    SAYS("qThreadExtraInfo,9", "E25");
    SAYS("T3", "OK");
    SAYS("T4", "E25");
    SAYS("T0", "E25");
    fake.alive = 1000; // more than a packet holds
    u64 told = 0;
    for (const char *list = ask("qfThreadInfo"); *list == 'm'; list = ask("qsThreadInfo")) {
        for (const char *c = list; c; c = strchr(c + 1, ','))
            CHECK(strtoul(c + 1, NULL, 16) == ++told);
    }
    CHECK(told == 1000);
}

static bool did(enum gdb_action a, enum gdb_action b, enum gdb_action c)
{
    return fake.did[0] == a && fake.did[1] == b && fake.did[2] == c;
}

static void threads_go_on_as_told(void)
{
    const struct gdb_stop trap = {GDB_STOPPED, GDB_SIGNAL_TRAP, 2, 1, true};
    start();
    SAYS("vCont?", "vCont;c;C;s;S;t;r");
    SAYS("vCont;c", "none");
    CHECK(did(GDB_CONTINUE, GDB_CONTINUE, GDB_CONTINUE));
    out_length = 0;
    gdb_stopped(&gdb, &trap);
    CHECK(!strncmp(out, "$T05thread:2;core:1;06:0000000000000000;07:", 40));
    CHECK(strstr(out, "10:8977665544332211;"));
    gdb_stopped(&gdb, &trap); // nobody waits
    CHECK(strstr(ask("qSupported:swbreak+"), "swbreak+"));
    CHECK(!strncmp(ask("?"), "T05thread:2;core:1;swbreak:;", 28));
    SAYS("vCont;s:2;c", "none");
    CHECK(did(GDB_CONTINUE, GDB_STEP, GDB_CONTINUE));
    gdb_stopped(&gdb, &trap);
    SAYS("vCont;s:3", "none");
    CHECK(did(GDB_STAY, GDB_STAY, GDB_STEP));
    gdb_stopped(&gdb, &trap);
    SAYS("vCont;C05:1;S05:3", "none");
    CHECK(did(GDB_CONTINUE, GDB_STAY, GDB_STEP));
    gdb_stopped(&gdb, &trap);
    SAYS("vCont;x", "E24");
    SAYS("vCont;c:", "E24");
    SAYS("vContc", "E24");
    SAYS("c", "none");
    CHECK(did(GDB_CONTINUE, GDB_CONTINUE, GDB_CONTINUE));
    gdb_stopped(&gdb, &trap);
    SAYS("Hc3", "OK");
    SAYS("s", "none");
    CHECK(did(GDB_STAY, GDB_STAY, GDB_STEP));
    gdb_stopped(&gdb, &trap);
    SAYS("Hc-1", "OK");
    SAYS("s", "none"); // the one that stopped
    CHECK(did(GDB_STAY, GDB_STEP, GDB_STAY));
    gdb_stopped(&gdb, &trap);
    SAYS("c1234", "none");
    CHECK(fake.state[1].rip == 0x1234);
    out_length = 0;
    feed("\x03", 1);
    CHECK(fake.interrupts == 1 && !strncmp(out, "$T02thread:2;", 13));
    feed("\x03", 1); // it is stopped
    CHECK(fake.interrupts == 1 && !out_length);
    SAYS("vCont;c", "none");
    CHECK(!strncmp(ask("vCont;t"), "T02", 3));
}

static void ranges_are_stepped(void)
{
    start();
    CHECK(strstr(ask("vCont?"), ";r"));
    SAYS("vCont;r1000,1010:2;s:3;c", "none");
    CHECK(did(GDB_CONTINUE, GDB_STEP, GDB_STEP));
    CHECK(gdb_steps_on(&gdb, 2, 0x1000) && gdb_steps_on(&gdb, 2, 0x100f));
    CHECK(!gdb_steps_on(&gdb, 2, 0x1010) && !gdb_steps_on(&gdb, 2, 0xfff));
    CHECK(!gdb_steps_on(&gdb, 3, 0x1000) && !gdb_steps_on(&gdb, 1, 0x1000));
    SAYS("vCont;r1000:2", "E24");
    SAYS("vCont;r", "E24");
    SAYS("vCont;rx,1:2", "E24");
    SAYS("vCont;r1010,1000:2", "none"); // nothing is in there: one step
    CHECK(did(GDB_STAY, GDB_STEP, GDB_STAY) && !gdb_steps_on(&gdb, 2, 0x1008));
}

static void ends_are_told(void)
{
    start();
    SAYS("Z0,1010,1", "OK");
    CHECK(fake.breakpoint == 0x1010);
    SAYS("z0,1010,1", "OK");
    CHECK(!fake.breakpoint);
    SAYS("Z0,3000,1", "E25");
    SAYS("Z0,10", "E24");
    SAYS("c", "none");
    out_length = 0;
    gdb_console(&gdb, "hi");
    CHECK(!strncmp(out, "$O6869#", 7));
    out_length = 0;
    gdb_stopped(&gdb, &(struct gdb_stop){GDB_EXITED, 7, 0, 0, false});
    CHECK(!strncmp(out, "$W07#", 5));
    SAYS("?", "W07");
    SAYS("c", "W07");
    gdb_console(&gdb, "hi"); // nobody waits: not into the middle of nothing
    start();
    SAYS("QStartNoAckMode", "OK");
    SAYS("D", "OK");
    CHECK(fake.detaches == 1);
    SAYS("D;1", "OK");
    CHECK(out[0] == '+');
    CHECK(!strncmp(ask("?"), "T02thread:2", 11)); // it runs: to be stopped
    CHECK(fake.interrupts == 1);
    SAYS("k", "none");
    CHECK(fake.kills == 1);
    SAYS("?", "X09");
    SAYS("vKill;1", "OK");
}

static void description_comes_in_parts(void)
{
    static char whole[16384], again[16384];
    size_t length = 0, at = 0;
    bool more = true;
    while (more)
        length += gdb_description(length, whole + length, 100, &more);
    whole[length] = 0;
    CHECK(strstr(whole, "</target>") && strstr(whole, "org.gnu.gdb.i386.segments") &&
          strstr(whole, "\"xmm15\" bitsize=\"128\" type=\"vec128\" regnum=\"57\""));
    start();
    for (const char *c = "m"; *c == 'm';) {
        char packet[64];
        snprintf(packet, sizeof(packet), "qXfer:features:read:target.xml:%zx,3e8", at);
        c = ask(packet);
        strcpy(again + at, c + 1);
        at += strlen(c + 1);
    }
    CHECK(at == length && !strcmp(whole, again));
    SAYS("qXfer:features:read:target.xml:100000,10", "l");
    SAYS("qXfer:features:read:other.xml:0,10", "");
    SAYS("qXfer:features:read:target.xml:0", "E24");
}

// Random bytes, and packets that are nearly right: no report of a sanitizer, and afterwards it
// still answers.
static void random_lines_do_no_harm(void)
{
    static const char *const parts[] = {"vCont",
                                        ";c",
                                        ";s:",
                                        ";r1000,1004:",
                                        "r",
                                        "P2a=",
                                        "p1a",
                                        "00112233445566778899aabbccddeeff",
                                        ":",
                                        ",",
                                        "-1",
                                        "m",
                                        "M",
                                        "X",
                                        "G",
                                        "P",
                                        "p",
                                        "=",
                                        "Z0,",
                                        "z",
                                        "H",
                                        "g",
                                        "c",
                                        "T",
                                        "qfThreadInfo",
                                        "qsThreadInfo",
                                        "1000",
                                        "ffff",
                                        "}",
                                        "#",
                                        "$",
                                        "\x03",
                                        "-",
                                        "+",
                                        "D",
                                        "k",
                                        "?",
                                        "C05",
                                        "qXfer:features:read:target.xml:",
                                        "qThreadExtraInfo,",
                                        "qSupported:",
                                        "QStartNoAckMode"};
    for (unsigned round = 0; round < 200000; round++) {
        char packet[1600];
        size_t length = 0;
        if (round % 1000 == 0)
            start();
        if (random_below(4) == 0) {
            for (length = random_below(sizeof(packet)); length && random_below(2); length /= 2)
                ;
            for (size_t i = 0; i < length; i++)
                packet[i] = (char)random_next();
        } else {
            for (unsigned i = (unsigned)random_below(8); i < 8; i++) {
                const char *p = parts[random_below(sizeof(parts) / sizeof(parts[0]))];
                memcpy(packet + length, p, strlen(p));
                length += strlen(p);
            }
        }
        fake.alive = (unsigned)random_below(THREADS + 1);
        fake.busy = random_below(8) == 0;
        fake.no_fpu = random_below(8) == 0;
        if (random_below(3))
            send_packet(packet, length < 1500 ? length : 1500);
        else
            feed(packet, length);
        if (random_below(4) == 0)
            gdb_stopped(&gdb, &(struct gdb_stop){(enum gdb_stop_kind)random_below(3),
                                                 (unsigned)random_next(), random_below(5),
                                                 (unsigned)random_next(), random_below(2)});
    }
    start();
    SAYS("qC", "QC1");
}

int main(void)
{
    RUN(packets_are_acknowledged);
    RUN(long_packets_are_refused);
    RUN(registers_are_read_and_written);
    RUN(fpu_is_read_and_written);
    RUN(memory_is_read_and_written);
    RUN(threads_are_listed);
    RUN(threads_go_on_as_told);
    RUN(ranges_are_stepped);
    RUN(ends_are_told);
    RUN(description_comes_in_parts);
    RUN(random_lines_do_no_harm);
    return check_failures != 0;
}
