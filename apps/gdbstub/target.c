// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What the protocol engine asks of the program (protocol.h, struct gdb_target).
#include "apps/gdbstub/target.h"
#include "lib/rt/print.h"
#include "lib/rt/string.h"

struct target target;

static u64 next_thread(void *context, u64 after)
{
    (void)context;
    for (unsigned i = 0; i < target.threads; i++) {
        if (target.thread[i].number > after)
            return target.thread[i].number;
    }
    return 0;
}

static void describe(void *context, u64 thread, char *text, size_t size)
{
    (void)context;
    const struct debugged_thread *t = thread_by_number(thread);
    *text = 0;
    if (t)
        text_format(text, size, "%s, CPU %u%s%s", t->name, t->cpu, t->handler ? ", handler" : "",
                    t->rests ? "" : ", in a call");
}

static error_t registers(void *context, u64 thread, bool write, unsigned mtd,
                         struct exc_state *state)
{
    (void)context;
    struct debugged_thread *t = thread_by_number(thread);
    return t ? thread_registers(t, write, mtd, state) : ENOTFOUND;
}

static error_t fpu(void *context, u64 thread, bool write, struct fpu_state *state)
{
    (void)context;
    struct debugged_thread *t = thread_by_number(thread);
    return t ? thread_fpu(t, write, state) : ENOTFOUND;
}

static size_t look(void *context, u64 address, u8 *bytes, size_t size)
{
    (void)context;
    return memory_look(address, bytes, size);
}

static size_t put(void *context, u64 address, const u8 *bytes, size_t size)
{
    (void)context;
    return memory_put(address, bytes, size);
}

static error_t breakpoint(void *context, u64 address, bool set)
{
    (void)context;
    return set ? breakpoint_set(address) : breakpoint_clear(address);
}

// A breakpoint that a thread reached together with another one may have been taken away since, or
// the thread moved: then it has nothing to tell.
static bool is_stale(struct debugged_thread *t)
{
    struct exc_state state;
    return t->breakpoint && !thread_registers(t, false, MTD_RIP, &state) &&
           !breakpoint_is_set(state.rip);
}

static void resume(void *context, const struct gdb *gdb)
{
    (void)context;
    for (unsigned i = 0; i < target.threads; i++) {
        struct debugged_thread *t = &target.thread[i];
        if (t->pending && is_stale(t))
            t->pending = false;
    }
    if (threads_report()) // nothing goes on before gdb has heard of it
        return;
    for (unsigned i = 0; i < target.threads; i++) {
        enum gdb_action action = gdb_action_of(gdb, target.thread[i].number);
        if (action != GDB_STAY)
            thread_go(&target.thread[i], action == GDB_STEP);
    }
}

static void interrupt(void *context)
{
    (void)context;
    threads_stop();
    if (threads_report())
        return;
    struct gdb_stop stop = {.kind = GDB_STOPPED, .value = GDB_SIGNAL_INT};
    if (target.threads) {
        stop.thread = target.thread[0].number;
        stop.cpu = target.thread[0].cpu;
    }
    gdb_stopped(&target.gdb, &stop);
}

static void attach(void *context)
{
    (void)context;
    target.attached = true;
    if (target.attaches && !attach_begin())
        return;
    if (target.running)
        threads_stop();
    breakpoints_clear();
}

static void detach(void *context)
{
    (void)context;
    if (target.running)
        threads_stop();
    breakpoints_clear();
    target.attached = false;
    gdb_runs(&target.gdb);
    for (unsigned i = 0; i < target.threads; i++)
        thread_go(&target.thread[i], false);
    if (target.attaches)
        attach_end();
}

static void kill(void *context)
{
    (void)context;
    if (target.attaches) {
        attach_kill();
        return;
    }
    target.ended = true;
    target.exit_code = 128 + GDB_SIGNAL_KILL;
}

// The driver takes it when it has room for it.
static void send(void *context, const void *bytes, size_t size)
{
    struct service_client *serial = context;
    const char *from = bytes;
    while (size) {
        struct msg m;
        service_begin(serial, &m, SERIAL_WRITE);
        msg_put_bytes(&m, from, size);
        if (service_call(serial, &m))
            return;
        word_t taken = msg_get_word(&m);
        if (msg_error(&m) || taken > size)
            return;
        from += taken;
        size -= taken;
    }
}

const struct gdb_target target_functions = {.next_thread = next_thread,
                                            .describe = describe,
                                            .registers = registers,
                                            .fpu = fpu,
                                            .read = look,
                                            .write = put,
                                            .breakpoint = breakpoint,
                                            .resume = resume,
                                            .attach = attach,
                                            .interrupt = interrupt,
                                            .detach = detach,
                                            .kill = kill,
                                            .send = send};
