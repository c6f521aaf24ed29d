# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: 2026 The Tessera authors
#
# The configuration compiler, a host program: libucl (ports/ucl.mk) and libfdt (Debian's libfdt-dev).
$(B)/tools/conf: tools/conf/conf.c tools/conf/child.c tools/conf/conf.h init/config.h $(B)/packages.libfdt $(UCL_DIR)/libucl.a
	$(call step,HOSTCC,$@)mkdir -p $(@D) && $(HOSTCC) -std=gnu11 -O2 $(WARNINGS) -Wno-format-truncation -Iinclude -I. -isystem $(UCL_DIR)/libucl \
		-o $@ tools/conf/conf.c tools/conf/child.c $(UCL_DIR)/libucl.a -lfdt -lm
