// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Services of children that are offered to our own parent (parent.h, offers_above): that one has
// the sessions, gives out the pseudonyms and answers for them, we stand in between. What we offer
// there stays ours to take back: a child's portals are delegated on, so they go with it, with us,
// and when the child withdraws them.
//
// A pseudonym comes from our parent by way of the client to the service, never through us, so a
// service cannot name it to us by translation: it delegates it to us, and we translate that.
#include "lib/service/client.h"
#include "lib/service/parent.h"

error_t parent_offer_above(struct parent_service *s, word_t cpu, word_t flags, sel_t portal)
{
    struct msg m;
    parent_begin(&m, PARENT_REGISTER);
    msg_put_word(&m, cpu);
    msg_put_word(&m, flags);
    msg_put_string(&m, s->name);
    msg_put_item(&m, item_delegate(crd(CRD_OBJ, portal, 0, PT_CALL), 0, 0));
    msg_put_item(&m, item_delegate(crd(CRD_OBJ, portal + 1, 0, SM_UP), 1, 0));
    error_t error = parent_call(&m);
    s->above |= !error;
    return error;
}

void parent_withdraw_above(const struct parent_service *s)
{
    struct msg m;
    parent_begin(&m, PARENT_UNREGISTER);
    msg_put_string(&m, s->name);
    (void)!parent_call(&m); // what it does not know it need not forget
}

error_t parent_ask_above(struct parent *parent, struct parent_client *client,
                         const struct parent_cpu *cpu, enum parent_operation operation, word_t word,
                         struct typed_item pseudonym, struct msg *m)
{
    sel_t sel = crd_base(pseudonym.crd);
    u64 index = sel - parent->first_pseudonym;
    if (!parent->config.offers_above)
        return EPERM;
    bool given = crd_kind(pseudonym.crd) == CRD_OBJ && index < parent->pseudonyms_made;
    if (!given && !parent_landed_at(pseudonym, cpu->window))
        return ECAP;
    if (parent->config.policy->asks_above)
        parent->config.policy->asks_above(parent, client);
    parent_begin(m, operation);
    msg_put_word(m, word);
    msg_put_item(m, item_translate(crd(CRD_OBJ, sel, 0, RIGHT_ALL)));
    error_t error = parent_call(m);
    if (!error)
        m->words = m->in_words; // the answer is ours as it stands
    return error;
}
