// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// gdbstub: starts the program that its configuration names, or attaches to a child of init's that
// runs, and serves gdb's remote protocol for it on the service "serial" (doc/debugging.md). It
// sleeps until one of three wakes it: a byte of the line, an exception of the program that found no
// answer, the program's end. With the program it ends itself, with the same exit code, and its
// parent starts both again or not.
#include "apps/gdbstub/target.h"
#include "lib/rt/print.h"
#include "lib/rt/selector.h"
#include "lib/rt/string.h"
#include "lib/rt/sync.h"
#include <libfdt.h>

enum { WAKE_LINE = 1, WAKE_EXCEPTION, WAKE_EXIT, WAKE_LIFE };
enum { KMEM_BYTES = 256 << 10, CAPS = 400, PRIORITY = 64 };

static struct service_client serial;
static sel_t receiver, exceptions, exited, input;
static bool line_waits;   // bytes came before we could listen
static struct rom config; // stays: the program's name lies in it

static u64 number(const char *name, u64 otherwise)
{
    int length;
    const void *value = fdt_getprop(config.data, 0, name, &length);
    return value && length == sizeof(u64) ? fdt64_ld(value) : otherwise;
}

static const char *text(const char *name)
{
    int length = 0;
    const char *value = fdt_getprop(config.data, 0, name, &length);
    return value && length > 1 && !value[length - 1] ? value : NULL;
}

static bool configure(struct program_options *o, bool *wait)
{
    int length = 0;
    if (rom_open(&config, "config") || fdt_check_full(config.data, config.size)) {
        print("gdbstub: found no configuration, expected config { program = \"NAME\" } or "
              "config { attach = \"CHILD\" }\n");
        return false;
    }
    const char *name = text("program"), *child = text("attach");
    if (!name == !child) {
        print("gdbstub: found %s in its configuration, expected either program, the name of one of "
              "the scenario's BINS, or attach, that of a child with `debug = yes`\n",
              name ? "both program and attach" : "neither program nor attach");
        return false;
    }
    if (child) {
        target.attaches = true;
        target.name = child;
        return true;
    }
    o->binary = target.name = name;
    o->kmem_bytes = ALIGN_UP(number("kmem", KMEM_BYTES), PAGE_SIZE);
    o->caps = number("caps", CAPS);
    o->cpu = number("cpu", 0);
    o->priority = number("priority", PRIORITY);
    const void *flag = fdt_getprop(config.data, 0, "wait", &length);
    *wait = !flag || length != sizeof(u32) || fdt32_ld(flag);
    return true;
}

static error_t open_line(void)
{
    struct msg m;
    error_t error = service_init(&serial, "serial", "", "", (struct service_quota){0, 0});
    if (error)
        return error;
    input = selector_alloc();
    if (input == SEL_NONE)
        return ERESOURCE;
    service_begin(&serial, &m, SERIAL_OPEN);
    utcb()->window = crd(CRD_OBJ, input, 0, RIGHT_ALL);
    error = service_call(&serial, &m);
    utcb()->window = 0;
    if (!error && !crd_kind(msg_get_item(&m).crd))
        error = EMEM;
    return error ? error : hc_sm_bind(input, receiver, WAKE_LINE);
}

static error_t open_wakers(void)
{
    error_t error = semaphore_create(0, &receiver);
    if (!error)
        error = semaphore_create(0, &exceptions);
    if (!error)
        error = semaphore_create(0, &exited);
    if (!error)
        error = hc_sm_bind(exceptions, receiver, WAKE_EXCEPTION);
    if (!error)
        error = hc_sm_bind(exited, receiver, WAKE_EXIT);
    return error;
}

static void line(void)
{
    u8 bytes[1024];
    size_t length;
    do {
        struct msg m;
        service_begin(&serial, &m, SERIAL_READ);
        msg_put_word(&m, sizeof(bytes));
        if (service_call(&serial, &m))
            return;
        length = msg_get_bytes(&m, bytes, sizeof(bytes));
        if (!msg_error(&m))
            gdb_input(&target.gdb, bytes, length);
    } while (length && !target.ended);
}

// Takes the domain's events off; true if there were any. A thread that nobody can hold (a
// handler that its program does not show) is lost with its exception.
static bool take_events(struct thread_exception *lost)
{
    struct thread_exception e;
    bool any = false;
    struct domain_program *p = &target.program;
    while (!cpu_next_exception(&p->cpu, p->domain.domain, &e)) {
        any = true;
        if (e.thread == SEL_NONE)
            *lost = e;
        else
            selector_drop(e.thread);
    }
    return any;
}

static void say_stopped(void)
{
    const struct gdb_stop *s = &target.gdb.last;
    const struct debugged_thread *t = thread_by_number(s->thread);
    print("gdbstub: \"%s\" stopped in thread %lu (%s), exception %lu; it waits for gdb\n",
          target.name, s->thread, t ? t->name : "", t ? t->vector : 0);
}

static void go_again(void)
{
    for (unsigned i = 0; i < target.threads; i++) {
        struct debugged_thread *t = &target.thread[i];
        enum gdb_action action =
            target.attached ? gdb_action_of(&target.gdb, t->number) : GDB_CONTINUE;
        if (action != GDB_STAY)
            thread_go(t, action == GDB_STEP);
    }
}

static void exception(void)
{
    struct thread_exception lost = {.vector = 0, .thread = 0};
    if (!take_events(&lost) || !target.running)
        return;
    threads_stop();
    if (lost.thread == SEL_NONE) {
        char text[128];
        text_format(text, sizeof(text),
                    "a portal's handler raised exception %lu at 0x%lx (address 0x%lx); nothing can "
                    "hold it, it is lost\n",
                    lost.vector, lost.ip, lost.address);
        print("gdbstub: %s", text);
        gdb_console(&target.gdb, text);
    }
    if (!threads_report()) {
        if (lost.thread == SEL_NONE)
            target_functions.interrupt(&serial);
        else // it was a thread's that has ended since
            go_again();
    }
    if (!target.attached && !target.running)
        say_stopped();
}

// Holds the program at its first instruction. What gdb says meanwhile waits.
static error_t begin_stopped(void)
{
    u64 value = 0;
    word_t entry = target.program.elf.entry;
    struct thread_exception lost;
    error_t error = breakpoint_set(entry);
    target.running = true;
    if (!error)
        error = domain_program_start(&target.program);
    while (!error && (u32)value != WAKE_EXCEPTION) {
        error = hc_sm_wait(receiver, DEADLINE_NEVER, &value);
        line_waits |= (u32)value == WAKE_LINE;
    }
    (void)take_events(&lost);
    threads_stop();
    (void)!breakpoint_clear(entry);
    return error || threads_report() ? error : ENOTFOUND;
}

static error_t begin(bool wait)
{
    const struct domain_program *p = &target.program;
    error_t error = cpu_exception_signal(&target.program.cpu, p->domain.domain, exceptions);
    if (error)
        return error;
    if (wait)
        return begin_stopped();
    target.running = true;
    return domain_program_start(&target.program);
}

static void serve(void)
{
    u64 value;
    if (line_waits)
        line();
    while (!target.ended && !hc_sm_wait(receiver, DEADLINE_NEVER, &value)) {
        switch ((u32)value) {
        case WAKE_LINE: line(); break;
        case WAKE_EXCEPTION: exception(); break;
        case WAKE_LIFE: attach_changed(); break;
        case WAKE_EXIT:
            target.ended = true;
            target.exit_code = program_exit_code();
            gdb_stopped(&target.gdb,
                        &(struct gdb_stop){GDB_EXITED, (unsigned)target.exit_code, 0, 0, false});
            break;
        default: break;
        }
    }
}

// Starts the program that is to be debugged.
static error_t launch(const struct program_options *options, bool wait)
{
    error_t error = program_load(options, exited);
    if (error)
        return error;
    error = begin(wait);
    if (error)
        print("gdbstub: \"%s\" cannot be started: %s\n", target.name, error_name(error));
    else
        print("gdbstub: \"%s\" %s; file build/bin/%s\n", target.name,
              wait ? "waits for gdb at its first instruction" : "runs", target.name);
    return error;
}

int main(void)
{
    struct program_options options;
    bool wait = false;
    gdb_init(&target.gdb, &target_functions, &serial);
    if (!configure(&options, &wait))
        return 1;
    error_t error = open_wakers();
    if (!error)
        error = open_line();
    if (error) {
        print("gdbstub: no line to gdb: service \"serial\": %s\n", error_name(error));
        return 1;
    }
    if (target.attaches ? attach_open(target.name, receiver, WAKE_LIFE, WAKE_EXCEPTION)
                        : launch(&options, wait))
        return 1;
    serve();
    if (!target.attaches)
        program_end();
    return target.exit_code;
}
