// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What happens to an object when its root capability goes (destroy.h).
#include "kernel/destroy.h"
#include "kernel/cpu.h"
#include "kernel/sm.h"

__attribute__((noinline)) void object_destroy(struct object *object, struct tlb_batch *batch)
{
    (void)batch;
    object->dying = true;
    switch ((enum object_type)object->type) {
    case OBJ_PD: pd_put((struct pd *)(void *)object); break;
    case OBJ_EC: ec_destroy(CONTAINER_OF(object, struct ec, object)); break;
    case OBJ_SC: sc_destroy((struct sc *)(void *)object); break;
    case OBJ_PT: pt_destroy((struct pt *)(void *)object); break;
    case OBJ_SM: sm_destroy((struct sm *)(void *)object); break;
    case OBJ_NONE: break;
    }
}
