// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The compiled configuration as the ROM module "config", which changes (lib/module/module.h).
#pragma once

#include "lib/module/module.h"

extern struct module config_module;

// For the service "rom".
extern const struct server_ops module_ops;
