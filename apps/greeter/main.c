// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// Tour: a service. It counts the calls of each session and never learns who its clients are but by
// the label that their parent vouches for.
#include "apps/greeter/greeter.h"
#include "lib/rt/heap.h"
#include "lib/rt/print.h"
#include "lib/rt/string.h"
#include "lib/service/server.h"

struct acquaintance {
    unsigned calls;
    char label[SERVICE_LABEL_MAX];
};

static error_t open(struct server_session *session, const char *label, const char *args)
{
    (void)args;
    struct acquaintance *a = heap_zalloc(sizeof(*a));
    if (!a)
        return EMEM;
    strlcpy(a->label, label, sizeof(a->label));
    session->user = a;
    print("a session is opened for \"%s\"\n", label);
    return SUCCESS;
}

static void close(struct server_session *session)
{
    struct acquaintance *a = session->user;
    print("the session of \"%s\" is over after %u calls\n", a->label, a->calls);
    heap_free(a);
}

static error_t dispatch(struct server_session *session, struct server_cpu *cpu, word_t operation,
                        struct msg *m)
{
    (void)cpu;
    struct acquaintance *a = session->user;
    char name[64], answer[128];
    if (operation != GREETER_GREET)
        return EPROTO;
    msg_get_string(m, name, sizeof(name));
    if (msg_error(m))
        return EPROTO;
    text_format(answer, sizeof(answer), "good day, %s; this is your call number %u", name,
                ++a->calls);
    msg_begin(m);
    msg_put_word(m, SUCCESS);
    msg_put_string(m, answer);
    return SUCCESS;
}

int main(void)
{
    static struct server server;
    static const struct server_ops ops = {.open = open, .close = close, .dispatch = dispatch};
    struct server_config config = {.name = "greeter",
                                   .flags = SERVICE_SESSION_PORTALS,
                                   .sessions_max = 16,
                                   .session_bytes = sizeof(struct acquaintance),
                                   .ops = &ops};
    if (server_start(&server, &config))
        return 1;
    print("I am a service with two clients. I count the calls of each session apart, and know my\n"
          "clients only by the label that init vouches for\n");
    server_run(&server);
}
