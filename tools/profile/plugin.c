// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// QEMU TCG plugin: the addresses of all instructions executed between the one at `begin` and the
// one at `end`, as often as that happens. Writes, one a line in hexadecimal, the last complete run
// in order to the file `out`. The prototypes are those of QEMU's plugin API version 1, whose header
// Debian does not package.
//   -plugin libprofile.so,begin=ADDRESS,end=ADDRESS,out=FILE[,marked=1]
// marked: several programs have code at these addresses; the one meant has a nop there that others
// have not (test/system/bench.h).
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum { QEMU_PLUGIN_CB_NO_REGS = 0 };
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t,
                                           void (*)(qemu_plugin_id_t, struct qemu_plugin_tb *));
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *, void (*)(unsigned, void *),
                                            int, void *);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t, void (*)(qemu_plugin_id_t, void *), void *);

__attribute__((visibility("default"))) int qemu_plugin_version = 1;

enum { RUN_MAX = 1 << 22 };
static uint64_t begin_at, end_at, run[RUN_MAX], last[RUN_MAX];
static size_t run_length, last_length;
static bool active, marked;
static const char *out_path = "build/profile.out";

static void executed(unsigned cpu, void *address)
{
    uint64_t at = (uint64_t)address;
    (void)cpu;
    if (at == begin_at) {
        active = true;
        run_length = 0;
    } else if (at == end_at && active) {
        active = false;
        memcpy(last, run, run_length * sizeof(run[0]));
        last_length = run_length;
    } else if (active && run_length < RUN_MAX) {
        run[run_length++] = at;
    }
}

// Another program's code where the markers are.
static bool foreign(const struct qemu_plugin_insn *insn, uint64_t at)
{
    static const uint8_t marker[] = {0x0f, 0x1f, 0x80, 0x4d, 0x41, 0x52, 0x4b};
    return marked && (at == begin_at || at == end_at) &&
           (qemu_plugin_insn_size(insn) != sizeof(marker) ||
            memcmp(qemu_plugin_insn_data(insn), marker, sizeof(marker)));
}

static void executed_foreign(unsigned cpu, void *address)
{
    (void)cpu;
    if (active && run_length < RUN_MAX)
        run[run_length++] = (uint64_t)address;
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        uint64_t at = qemu_plugin_insn_vaddr(insn);
        qemu_plugin_register_vcpu_insn_exec_cb(insn,
                                               foreign(insn, at) ? executed_foreign : executed,
                                               QEMU_PLUGIN_CB_NO_REGS, (void *)at);
    }
}

static void finish(qemu_plugin_id_t id, void *unused)
{
    (void)id;
    (void)unused;
    FILE *out = fopen(out_path, "w");
    for (size_t i = 0; out && i < last_length; i++)
        fprintf(out, "%lx\n", (unsigned long)last[i]);
    if (out)
        fclose(out);
}

__attribute__((visibility("default"))) int
qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv);
int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv)
{
    (void)info;
    for (int i = 0; i < argc; i++) {
        if (!strncmp(argv[i], "begin=", 6))
            begin_at = strtoull(argv[i] + 6, NULL, 16);
        else if (!strncmp(argv[i], "end=", 4))
            end_at = strtoull(argv[i] + 4, NULL, 16);
        else if (!strncmp(argv[i], "marked=", 7))
            marked = true;
        else if (!strncmp(argv[i], "out=", 4))
            out_path = argv[i] + 4;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, finish, NULL);
    return 0;
}
