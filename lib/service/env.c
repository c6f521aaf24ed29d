// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The environment (env.h): print goes to "log", threads get their scheduling contexts from "cpu",
// the end of main goes to the parent. Memory is in memory.c.
#include "lib/service/env.h"
#include "lib/rt/dry.h"
#include "lib/rt/memory.h"
#include "lib/rt/print.h"
#include "lib/rt/selector.h"
#include "lib/rt/start.h"
#include "lib/rt/string.h"

struct service_client env_log = SERVICE_CLIENT_NONE, env_cpu = SERVICE_CLIENT_NONE;

void utcb_save(struct utcb_copy *copy)
{
    memcpy(copy, utcb(), sizeof(*copy));
}

void utcb_restore(const struct utcb_copy *copy)
{
    memcpy(utcb(), copy, sizeof(*copy));
}

error_t env_account(struct env_account *a)
{
    struct msg m;
    char nothing[8];
    parent_begin(&m, PARENT_GET_QUOTA);
    error_t error = parent_call(&m);
    a->ram_left = msg_get_word(&m);
    a->caps_left = msg_get_word(&m);
    msg_get_string(&m, nothing, sizeof(nothing));
    msg_get_string(&m, nothing, sizeof(nothing));
    a->ram_limit = msg_get_word(&m);
    a->parent_caps = msg_get_word(&m);
    a->parent_ram = msg_get_word(&m);
    a->system_ram = msg_get_word(&m);
    return error ? error : msg_error(&m);
}

error_t env_quota(u64 *ram, u64 *caps)
{
    struct env_account account;
    error_t error = env_account(&account);
    *ram = account.ram_left;
    *caps = account.caps_left;
    return error;
}

static void log_write(const char *text, size_t length)
{
    struct utcb_copy copy;
    struct msg m;
    if (env_log.denied)
        return;
    utcb_save(&copy);
    service_begin(&env_log, &m, LOG_WRITE);
    msg_put_bytes(&m, text, length);
    (void)!service_call(&env_log, &m);
    utcb_restore(&copy);
}

error_t sc_create_in(struct service_client *cpu, sel_t ec, unsigned priority, u32 quantum_us,
                     u32 budget_us, u32 period_us, const char *name, sel_t *sc)
{
    struct utcb_copy copy;
    struct msg m;
    sel_t sel = selector_alloc();
    if (sel == SEL_NONE)
        return ERESOURCE;
    utcb_save(&copy);
    service_begin(cpu, &m, CPU_CREATE_SC);
    msg_put_word(&m, priority);
    msg_put_word(&m, quantum_us);
    msg_put_word(&m, budget_us);
    msg_put_word(&m, period_us);
    msg_put_string(&m, name);
    msg_put_item(&m, item_delegate(crd(CRD_OBJ, ec, 0, EC_SC | EC_CTRL), 0, 0));
    utcb()->window = crd(CRD_OBJ, sel, 0, RIGHT_ALL);
    utcb()->window2 = 0;
    error_t error = service_call(cpu, &m);
    utcb_restore(&copy);
    if (error)
        selector_free(sel);
    else
        *sc = sel;
    return error;
}

error_t env_sc_create(sel_t ec, unsigned priority, u32 quantum_us, u32 budget_us, u32 period_us,
                      const char *name, sel_t *sc)
{
    return sc_create_in(&env_cpu, ec, priority, quantum_us, budget_us, period_us, name, sc);
}

error_t env_handler(sel_t ec, const char *name)
{
    struct utcb_copy copy;
    struct msg m;
    utcb_save(&copy);
    service_begin(&env_cpu, &m, CPU_HANDLER);
    msg_put_string(&m, name);
    msg_put_item(&m, item_delegate(crd(CRD_OBJ, ec, 0, EC_SC | EC_CTRL), 0, 0));
    error_t error = service_call(&env_cpu, &m);
    utcb_restore(&copy);
    return error;
}

void sc_destroy_in(struct service_client *cpu, sel_t sc)
{
    struct utcb_copy copy;
    struct msg m;
    utcb_save(&copy);
    service_begin(cpu, &m, CPU_DESTROY_SC);
    msg_put_item(&m, item_translate(crd(CRD_OBJ, sc, 0, RIGHT_ALL)));
    (void)!service_call(cpu, &m);
    utcb_restore(&copy);
    selector_drop(sc);
}

void env_sc_destroy(sel_t sc)
{
    sc_destroy_in(&env_cpu, sc);
}

error_t env_cpu_limits(struct cpu_limits *limits)
{
    struct utcb_copy copy;
    struct msg m;
    utcb_save(&copy);
    service_begin(&env_cpu, &m, CPU_INFO);
    error_t error = service_call(&env_cpu, &m);
    limits->priority = msg_get_word(&m);
    limits->cpus = msg_get_word(&m);
    limits->budget_us = msg_get_word(&m);
    limits->period_us = msg_get_word(&m);
    limits->threads = msg_get_word(&m);
    if (!error)
        error = msg_error(&m);
    utcb_restore(&copy);
    return error;
}

static error_t sc_create(sel_t ec, unsigned priority, u32 quantum_us, const char *name, sel_t *sc)
{
    return env_sc_create(ec, priority, quantum_us, 0, 0, name, sc);
}

// In registers alone: whoever ran dry may be in the middle of a message.
static void tell_dry(void)
{
    head_t h = head(4, 0);
    word_t w[4] = {PARENT_SIGNAL, 0, SIGNAL_RESOURCE, 0};
    (void)!hc_call(SEL_PARENT + thread_cpu(), &h, w);
}

void rt_main_init(void)
{
    struct service_quota nothing = {0, 0};
    if (!service_init(&env_log, "log", "", "", nothing))
        rt_print = log_write;
    if (!service_init(&env_cpu, "cpu", "", "", nothing)) {
        rt_sc_create = sc_create;
        rt_sc_destroy = env_sc_destroy;
        rt_handler_show = env_handler;
    }
    env_memory_init();
    rt_dry = tell_dry;
}

void rt_exit(int code)
{
    parent_signal(SIGNAL_EXIT, (word_t)(long)code);
    rt_halt();
}
