// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// What the files of this program share.
#pragma once

void traces(void); // trace_event_on, trace_event_off
