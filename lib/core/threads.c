// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Threads of other domains (threads.h).
#include "lib/core/threads.h"
#include "lib/core/message.h"
#include "lib/rt/selector.h"

enum { STATE_WORDS = sizeof(struct exc_state) / sizeof(word_t) };

error_t cpu_thread_create(struct service_client *session, sel_t domain, unsigned cpu,
                          unsigned priority, word_t utcb_address, const char *name, sel_t *thread)
{
    struct msg m;
    sel_t sel = selector_alloc();
    if (sel == SEL_NONE)
        return ERESOURCE;
    service_begin(session, &m, CPU_CREATE_THREAD);
    msg_put_word(&m, cpu);
    msg_put_word(&m, priority);
    msg_put_word(&m, utcb_address);
    msg_put_string(&m, name);
    core_name(&m, domain);
    error_t error = core_call(session, &m, sel, 0);
    if (!error && !core_arrived(&m, 1))
        error = EMEM;
    if (error)
        selector_free(sel);
    else
        *thread = sel;
    return error;
}

error_t cpu_thread_start(struct service_client *session, sel_t thread, word_t ip, word_t sp,
                         word_t argument)
{
    struct msg m;
    service_begin(session, &m, CPU_START);
    msg_put_word(&m, ip);
    msg_put_word(&m, sp);
    msg_put_word(&m, argument);
    core_name(&m, thread);
    return core_call(session, &m, SEL_NONE, 0);
}

static error_t simple(struct service_client *session, sel_t thread, enum cpu_operation operation)
{
    struct msg m;
    return core_request(session, &m, operation, thread);
}

error_t cpu_thread_pause(struct service_client *session, sel_t thread)
{
    return simple(session, thread, CPU_PAUSE);
}

error_t cpu_thread_resume(struct service_client *session, sel_t thread)
{
    return simple(session, thread, CPU_RESUME);
}

error_t cpu_thread_step(struct service_client *session, sel_t thread)
{
    return simple(session, thread, CPU_STEP);
}

error_t cpu_priority(struct service_client *session, sel_t thread_or_sc, unsigned priority)
{
    struct msg m;
    service_begin(session, &m, CPU_PRIORITY);
    msg_put_word(&m, priority);
    core_name(&m, thread_or_sc);
    return core_call(session, &m, SEL_NONE, 0);
}

error_t cpu_limit(struct service_client *session, const char *label, unsigned highest,
                  unsigned bound, u64 *sessions)
{
    struct msg m;
    service_begin(session, &m, CPU_LIMIT);
    msg_put_word(&m, highest);
    msg_put_word(&m, bound);
    msg_put_string(&m, label);
    error_t error = core_call(session, &m, SEL_NONE, 0);
    u64 found = error ? 0 : msg_get_word(&m);
    if (sessions)
        *sessions = found;
    return error;
}

void cpu_thread_kill(struct service_client *session, sel_t thread)
{
    (void)!simple(session, thread, CPU_KILL);
    selector_drop(thread);
}

error_t cpu_thread_read(struct service_client *session, sel_t thread, enum thread_state *what,
                        struct exc_state *state)
{
    struct msg m;
    error_t error = core_request(session, &m, CPU_READ_STATE, thread);
    if (error)
        return error;
    *what = (enum thread_state)msg_get_word(&m);
    for (unsigned i = 0; i < STATE_WORDS; i++)
        ((word_t *)state)[i] = msg_get_word(&m);
    return msg_error(&m);
}

error_t cpu_thread_write(struct service_client *session, sel_t thread, unsigned mtd,
                         const struct exc_state *state)
{
    struct msg m;
    service_begin(session, &m, CPU_WRITE_STATE);
    msg_put_word(&m, mtd);
    for (unsigned i = 0; i < STATE_WORDS; i++)
        msg_put_word(&m, ((const word_t *)state)[i]);
    core_name(&m, thread);
    return core_call(session, &m, SEL_NONE, 0);
}

error_t cpu_thread_read_fpu(struct service_client *session, sel_t thread, struct fpu_state *state)
{
    struct msg m;
    error_t error = core_request(session, &m, CPU_READ_FPU, thread);
    for (unsigned i = 0; i < ARRAY_SIZE(state->words); i++)
        state->words[i] = error ? 0 : msg_get_word(&m);
    return error ? error : msg_error(&m);
}

error_t cpu_thread_write_fpu(struct service_client *session, sel_t thread,
                             const struct fpu_state *state)
{
    struct msg m;
    service_begin(session, &m, CPU_WRITE_FPU);
    for (unsigned i = 0; i < ARRAY_SIZE(state->words); i++)
        msg_put_word(&m, state->words[i]);
    core_name(&m, thread);
    return core_call(session, &m, SEL_NONE, 0);
}

error_t cpu_exception_signal(struct service_client *session, sel_t name, sel_t semaphore)
{
    return core_signal(session, CPU_EXCEPTION_SIGNAL, name, semaphore);
}

error_t cpu_next_exception(struct service_client *session, sel_t domain, struct thread_exception *e)
{
    struct msg m;
    sel_t sel = selector_alloc();
    if (sel == SEL_NONE)
        return ERESOURCE;
    service_begin(session, &m, CPU_NEXT_EXCEPTION);
    core_name(&m, domain);
    error_t error = core_call(session, &m, sel, 0);
    if (error) {
        selector_free(sel);
        return error;
    }
    word_t *words[] = {&e->vector, &e->error_code, &e->address, &e->ip, &e->sp};
    for (unsigned i = 0; i < ARRAY_SIZE(words); i++)
        *words[i] = msg_get_word(&m);
    e->cpu = (unsigned)msg_get_word(&m);
    e->thread = msg_get_word(&m) && core_arrived(&m, 1) ? sel : SEL_NONE;
    if (e->thread == SEL_NONE)
        selector_free(sel);
    return msg_error(&m);
}

error_t cpu_next_thread(struct service_client *session, sel_t domain, u64 after,
                        struct thread_entry *entry)
{
    struct msg m;
    sel_t sel = selector_alloc();
    if (sel == SEL_NONE)
        return ERESOURCE;
    service_begin(session, &m, CPU_NEXT_THREAD);
    msg_put_word(&m, after);
    core_name(&m, domain);
    error_t error = core_call(session, &m, sel, 0);
    if (!error && !core_arrived(&m, 1))
        error = EMEM;
    if (error) {
        selector_free(sel);
        return error;
    }
    entry->number = msg_get_word(&m);
    word_t place = msg_get_word(&m);
    entry->cpu = (unsigned)place;
    entry->priority = (unsigned)(place >> 32);
    entry->state = (enum thread_state)msg_get_word(&m);
    msg_get_string(&m, entry->name, sizeof(entry->name));
    entry->thread = sel;
    error = msg_error(&m);
    if (error)
        selector_drop(sel);
    return error;
}
