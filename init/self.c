// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// init as a client of its own children. It calls its own parent portals as a child would: so all
// that holds for children's sessions holds for these too. Only threads that may wait use them,
// never the main thread and never a handler of the parent role.
#include "init/init.h"
#include "lib/rt/start.h"
#include "lib/rt/string.h"

enum { SELF_PART = 2 }; // of what init keeps for itself goes into such sessions, at most

struct child self;

error_t self_start(void)
{
    self = (struct child){.config = {.name = "init", .binary = "init", .args = ""},
                          .ram_limit = own_ram / SELF_PART,
                          .index = CHILDREN_MAX,
                          .sel_pd = SEL_PD,
                          .domain_up = true,
                          .reserved = true};
    strlcpy(self.name, "init", sizeof(self.name));
    return parent_client_add(&parent, &self, &self.client);
}

error_t self_service_init(struct service_client *client, const char *name, const char *label,
                          const char *args, struct service_quota quota)
{
    error_t error = service_init(client, name, label, args, quota);
    client->parent = self.client->portals;
    client->impatient = true;
    return error;
}
