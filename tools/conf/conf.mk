# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: 2026 The Tessera authors
#
# The configuration compiler, a host program: libucl (ports/ucl.mk) and libfdt (Debian's libfdt-dev).
CONF_SRCS := $(addprefix tools/conf/,conf.c child.c route.c value.c)
$(B)/tools/conf: $(CONF_SRCS) tools/conf/conf.h init/config.h lib/service/protocol.h $(B)/packages.libfdt $(UCL_DIR)/libucl.a
	$(call step,HOSTCC,$@)mkdir -p $(@D) && $(HOSTCC) -std=gnu11 -O2 $(WARNINGS) -Iinclude -I. -isystem $(UCL_DIR)/libucl \
		-o $@ $(CONF_SRCS) $(UCL_DIR)/libucl.a -lfdt -lm
