# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: 2026 The Tessera authors
#
# The configuration compiler (lib/conf) as a host program, with libucl (ports/ucl.mk) and libfdt (Debian's libfdt-dev).
CONF_SRCS := tools/conf/conf.c $(wildcard lib/conf/*.c)
$(B)/tools/conf: $(CONF_SRCS) $(wildcard lib/conf/*.h) lib/service/protocol.h $(B)/packages.libfdt $(UCL_DIR)/libucl.a
	$(call step,HOSTCC,$@)mkdir -p $(@D) && $(HOSTCC) -std=gnu11 -O2 $(WARNINGS) -Iinclude -I. -isystem $(UCL_DIR)/libucl \
		-o $@ $(CONF_SRCS) $(UCL_DIR)/libucl.a -lfdt -lm
