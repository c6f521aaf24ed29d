// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The client of "trace" (trace.h). The answer stands in the UTCB while it is visited, and the
// visitor may call: so it is put aside.
#include "lib/core/trace.h"
#include "lib/core/message.h"
#include "lib/rt/address.h"
#include "lib/rt/string.h"
#include "lib/service/env.h"

enum { ROWS = 16 };

error_t trace_init(struct service_client *trace, unsigned threads)
{
    return service_init(trace, "trace", "", "",
                        (struct service_quota){(u64)threads * TRACE_COST + SESSION_RAM_LEAST, 0});
}

static void subject_get(struct msg *m, struct trace_subject *s)
{
    s->id = msg_get_word(m);
    word_t packed = msg_get_word(m);
    s->cpu = packed & 0xff;
    s->priority = packed >> 8 & 0xff;
    s->state = (enum thread_state)(packed >> 16 & 0xff);
    s->status = (enum trace_status)(packed >> 24 & 0xff);
    s->ticks = msg_get_word(m);
    msg_get_string(m, s->label, sizeof(s->label));
    msg_get_string(m, s->name, sizeof(s->name));
}

error_t trace_visit(struct service_client *trace,
                    bool (*visit)(const struct trace_subject *subject, void *context),
                    void *context)
{
    word_t next = 0;
    do {
        struct msg m;
        struct trace_subject row;
        word_t first = next;
        service_begin(trace, &m, TRACE_SERVICE_SUBJECTS);
        msg_put_word(&m, next);
        error_t error = service_call(trace, &m);
        if (error)
            return error;
        next = msg_get_word(&m);
        word_t here = msg_get_word(&m);
        if (here > ROWS || (next && next <= first))
            return EPROTO;
        struct utcb_copy copy;
        for (word_t i = 0; i < here; i++) {
            subject_get(&m, &row);
            if (msg_error(&m))
                return EPROTO;
            utcb_save(&copy);
            bool more = visit(&row, context);
            utcb_restore(&copy);
            if (!more)
                return SUCCESS;
        }
    } while (next);
    return SUCCESS;
}

error_t trace_info(struct service_client *trace, u64 id, struct trace_subject *out)
{
    struct msg m;
    service_begin(trace, &m, TRACE_SERVICE_INFO);
    msg_put_word(&m, id);
    error_t error = service_call(trace, &m);
    if (error)
        return error;
    subject_get(&m, out);
    return msg_error(&m);
}

error_t trace_enable(struct service_client *trace, u64 id, sel_t dataspace, u64 offset, u64 bytes,
                     struct trace_wish wish)
{
    struct msg m;
    service_begin(trace, &m, TRACE_SERVICE_ENABLE);
    msg_put_word(&m, id);
    msg_put_word(&m, offset);
    msg_put_word(&m, bytes);
    msg_put_word(&m, wish.word);
    msg_put_word(&m, wish.filter);
    core_name(&m, dataspace);
    return core_call(trace, &m, SEL_NONE, 0);
}

error_t trace_policy(struct service_client *trace, u64 id, struct trace_wish wish)
{
    struct msg m;
    service_begin(trace, &m, TRACE_SERVICE_POLICY);
    msg_put_word(&m, id);
    msg_put_word(&m, wish.word);
    msg_put_word(&m, wish.filter);
    return service_call(trace, &m);
}

error_t trace_pause(struct service_client *trace, u64 id)
{
    return service_call1(trace, TRACE_SERVICE_PAUSE, id);
}

error_t trace_resume(struct service_client *trace, u64 id)
{
    return service_call1(trace, TRACE_SERVICE_RESUME, id);
}

error_t trace_disable(struct service_client *trace, u64 id)
{
    return service_call1(trace, TRACE_SERVICE_DISABLE, id);
}

error_t trace_buffer_create(struct trace_buffer *buffer, size_t records)
{
    size_t capacity = 1;
    while (capacity < records)
        capacity *= 2;
    buffer->bytes =
        ALIGN_UP(sizeof(struct trace_ring) + capacity * sizeof(struct trace_record), PAGE_SIZE);
    error_t error = dataspace_alloc(buffer->bytes, 0, &buffer->ds);
    if (error)
        return error;
    word_t address = address_alloc(buffer->bytes);
    error = address ? dataspace_attach(buffer->ds, (void *)address, buffer->bytes, 0) : EMEM;
    if (error) {
        if (address)
            address_free(address, buffer->bytes);
        dataspace_free(buffer->ds);
        return error;
    }
    buffer->reader = trace_reader((struct trace_ring *)address, 0);
    return SUCCESS;
}

void trace_buffer_destroy(struct trace_buffer *buffer)
{
    dataspace_free(buffer->ds);
    address_free((word_t)buffer->reader.ring, buffer->bytes);
}

error_t trace_enable_buffer(struct service_client *trace, u64 id, struct trace_buffer *buffer,
                            struct trace_wish wish)
{
    error_t error = trace_enable(trace, id, buffer->ds, 0, buffer->bytes, wish);
    if (!error)
        buffer->reader = trace_reader(buffer->reader.ring, wish.word);
    return error;
}
