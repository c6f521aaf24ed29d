# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: 2026 The Tessera authors
#
# libucl (Vsevolod Stakhov), for the host and, on newlib, for components: Debian 12 has it only inside the source package rspamd (its libucl-dev is a compression
# library), without that program's own parts, for which ports/ucl/include stands in.
UCL_DIR := $(B)/ports/ucl
UCL_PARTS := emitter emitter_streamline hash msgpack parser schema sexp util
$(UCL_DIR)/fetched: tools/port $(B)/packages.run
	$(call step,PORT,libucl)for part in libucl uthash; do \
		tools/port rspamd 3.4-1 rspamd_3.4.orig.tar.xz a7dad761aa6bbc666b7977dfd741b240bf02cff8779e088f17dbfa74d5429f8a \
			contrib/$$part $(UCL_DIR)/$$part || exit 1; done && touch $@
$(UCL_DIR)/libucl.a: $(UCL_DIR)/fetched $(wildcard ports/ucl/*.c ports/ucl/include/*.h)
	$(call step,PORT,$@)rm -f $@; for part in $(UCL_PARTS); do \
		$(HOSTCC) -O2 -w -Iports/ucl/include -I$(UCL_DIR)/libucl -I$(UCL_DIR)/uthash -c -o $(UCL_DIR)/$$part.o \
			$(UCL_DIR)/libucl/ucl_$$part.c || exit 1; done && \
		$(HOSTCC) -O2 -Iports/ucl/include -c -o $(UCL_DIR)/glue.o ports/ucl/glue.c && \
		ar rcsD $@ $(UCL_PARTS:%=$(UCL_DIR)/%.o) $(UCL_DIR)/glue.o

# Without schema: that takes regular expressions, and our own check (lib/conf) stands in its place.
PORT_ucl := $(UCL_DIR)/target/libucl.a
PORT_ucl_CFLAGS := -isystem $(UCL_DIR)/libucl
UCL_TARGET_FLAGS := $(filter-out $(WARNINGS),$(call user_flags,yes)) -w -Iports/ucl/include -I$(UCL_DIR)/libucl -I$(UCL_DIR)/uthash $(PORT_newlib_CFLAGS)
$(UCL_DIR)/target/libucl.a: $(UCL_DIR)/fetched $(NEWLIB_DIR)/fetched ports/ucl.mk $(wildcard ports/ucl/*.c ports/ucl/include/*.h) $(CONFIG)
	$(call step,PORT,$@)mkdir -p $(@D) && rm -f $@ && for part in $(filter-out schema,$(UCL_PARTS)); do \
		$(CC) $(UCL_TARGET_FLAGS) -c -o $(@D)/$$part.o $(UCL_DIR)/libucl/ucl_$$part.c || exit 1; done && \
		$(CC) $(UCL_TARGET_FLAGS) -c -o $(@D)/glue.o ports/ucl/glue.c && ar rcsD $@ $(@D)/*.o
