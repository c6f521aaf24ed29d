// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What a child finds again in its next life: dataspaces that its parent keeps for it, and the
// sessions that others have with its services (protocol.h: KEEP, DROP, SESSIONS, NUMBER;
// doc/keeping.md).
#include "lib/rt/string.h"
#include "lib/service/parent.h"

static bool name_get(struct msg *m, char name[KEEP_NAME_MAX])
{
    msg_get_string(m, name, KEEP_NAME_MAX);
    return !msg_error(m) && name[0] && parent_text_is_plain(name);
}

error_t parent_do_keep(struct parent *parent, struct parent_client *client, struct parent_cpu *cpu,
                       struct msg *m)
{
    (void)cpu;
    struct parent_kept kept = {.bytes = msg_get_word(m), .dataspace = SEL_NONE};
    if (!name_get(m, kept.name))
        return EPROTO;
    if (!parent->config.policy->keep)
        return EFEATURE;
    error_t error = parent->config.policy->keep(parent, client, &kept);
    if (error && error != EPARAM)
        return error;
    msg_begin(m);
    msg_put_word(m, error);
    msg_put_word(m, kept.bytes);
    if (error)
        return SUCCESS; // it has been said
    msg_put_word(m, kept.earlier ? KEPT_EARLIER : 0);
    msg_put_word(m, kept.failures);
    msg_put_item(m, item_delegate(crd(CRD_OBJ, kept.dataspace, 0, 0), 0, 0));
    return SUCCESS;
}

error_t parent_do_drop(struct parent *parent, struct parent_client *client, struct parent_cpu *cpu,
                       struct msg *m)
{
    (void)cpu;
    char name[KEEP_NAME_MAX];
    if (!name_get(m, name))
        return EPROTO;
    if (!parent->config.policy->drop)
        return EFEATURE;
    error_t error = parent->config.policy->drop(parent, client, name);
    if (error)
        return error;
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    return SUCCESS;
}

error_t parent_do_number(struct parent *parent, struct parent_client *client,
                         struct parent_cpu *cpu, struct msg *m)
{
    (void)msg_get_word(m);
    struct typed_item item = msg_get_item(m);
    const struct parent_pseudonym *p = parent_pseudonym_named(parent, item);
    if (msg_error(m))
        return EPROTO;
    if (!p || p->forwarded || p->provider != client)
        return parent_ask_above(parent, client, cpu, PARENT_NUMBER, 0, item, m);
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, p->number);
    return SUCCESS;
}

static void session_put(const struct parent *parent, const struct parent_pseudonym *p,
                        struct msg *m)
{
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, p->index + 1ul);
    msg_put_word(m, p->number);
    msg_put_word(m, p->ram);
    msg_put_word(m, p->caps);
    msg_put_string(m, parent_pseudonym_label(p));
    msg_put_string(m, parent_pseudonym_args(p));
    msg_put_item(m, item_delegate(crd(CRD_OBJ, parent->first_pseudonym + p->index, 0, 0), 0, 0));
}

// A position is a slot of the table: sessions that come and go meanwhile shift none.
error_t parent_do_sessions(struct parent *parent, struct parent_client *client,
                           struct parent_cpu *cpu, struct msg *m)
{
    (void)cpu;
    char name[SERVICE_NAME_MAX];
    word_t position = msg_get_word(m);
    msg_get_string(m, name, sizeof(name));
    if (msg_error(m))
        return EPROTO;
    for (; position < parent->pseudonyms_made; position++) {
        const struct parent_pseudonym *p = parent_pseudonym_at(parent, (u32)position);
        if (!p->client || p->forwarded || p->provider != client ||
            !string_same(parent_pseudonym_name(p), name))
            continue;
        session_put(parent, p, m);
        return SUCCESS;
    }
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_word(m, 0);
    return SUCCESS;
}
