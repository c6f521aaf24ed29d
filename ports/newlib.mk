# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: 2026 The Tessera authors
#
# The C library for components that want one: newlib 3.3.0, from Debian's source package. The design names picolibc, which has
# come out of newlib, but mirrors that list its source package (picolibc 1.8-1) answer 404 for its archive, no binary package of it
# is for x86-64, and musl's archive is missing likewise; dietlibc is to be had, under the GPL only. Once that is no concern,
# tools/port picolibc 1.8-1 picolibc_1.8.orig.tar.gz (SHA-256 bde7167ff58e4e7cf0c32cc2194b466320eb966ee1ca5ad6e3d4844eefc9c349)
# fetches picolibc.
#
# Taken are ctype, strings, numbers, sorting and streams; not what lib/rt has (memcpy, strlen, ...), the heap, files, locales and
# wide characters (ports/newlib/glue.c). It computes with doubles: components with PORTS := newlib have FPU := yes as well.
NEWLIB_DIR := $(B)/ports/newlib
NEWLIB_SRCS := $(addprefix libc/, \
	$(addprefix ctype/,ctype_ isalnum isalpha iscntrl isdigit islower isprint ispunct isspace isupper isxdigit tolower toupper) \
	$(addprefix string/,memccpy memmem mempcpy stpcpy stpncpy strcasecmp strcasestr strcat strcoll strcpy strcspn strdup strdup_r \
		strerror strlcat strncasecmp strncat strncpy strndup strndup_r strpbrk strrchr strsep strspn strstr strtok strtok_r u_strerr) \
	$(addprefix stdlib/,abs atof atoi atol atoll div dtoa gdtoa-gethex gdtoa-hexnan labs ldiv llabs lldiv mprec rand rand_r strtod \
		mbtowc_r strtoimax strtol strtoll strtoul strtoull strtoumax wctomb_r) \
	$(addprefix stdio/,fclose fflush findfp fprintf fputc fputs fvwrite fwalk fwrite makebuf printf putc putchar puts rget refill \
		setvbuf snprintf sprintf stdio vprintf vsnprintf vsprintf wbuf wsetup) \
	$(addprefix locale/,lctype lnumeric locale localeconv) errno/errno reent/impure search/bsearch search/qsort \
	unix/basename unix/dirname) $(addprefix libm/,common/s_fpclassify common/s_nan math/s_fabs math/s_frexp)
NEWLIB_FORMATS := vfprintf svfprintf vfiprintf svfiprintf
NEWLIB_FLAGS := $(filter-out $(WARNINGS),$(call user_flags,yes)) -w -D__SINGLE_THREAD__ -fno-builtin -I$(NEWLIB_DIR)/libm/common \
	-isystem ports/newlib/include -isystem $(NEWLIB_DIR)/libc/include
PORT_newlib := $(NEWLIB_DIR)/libc.a $(B)/ports/newlib/glue.c.o
PORT_newlib_CFLAGS := -isystem ports/newlib/include -isystem $(NEWLIB_DIR)/libc/include
$(B)/ports/newlib/glue.c.o: EXTRA := $(PORT_newlib_CFLAGS)
$(B)/ports/newlib/glue.c.o: $(NEWLIB_DIR)/fetched
$(NEWLIB_DIR)/fetched: tools/port $(B)/packages.run
	$(call step,PORT,newlib)for part in libc libm; do \
		tools/port newlib 3.3.0-1.3+deb12u1 newlib_3.3.0.orig.tar.gz 58dd9e3eaedf519360d92d84205c3deef0b3fc286685d1c562e245914ef72c66 \
			newlib/$$part $(NEWLIB_DIR)/$$part || exit 1; done && touch $@
$(NEWLIB_DIR)/obj/%.o: $(NEWLIB_DIR)/fetched ports/newlib/include/newlib.h ports/newlib.mk $(CONFIG)
	$(Q)mkdir -p $(@D) && $(CC) $(NEWLIB_FLAGS) -c -o $@ $(NEWLIB_DIR)/$*.c
# One source, four functions.
$(NEWLIB_DIR)/obj/format/%.o: $(NEWLIB_DIR)/fetched ports/newlib/include/newlib.h ports/newlib.mk $(CONFIG)
	$(Q)mkdir -p $(@D) && $(CC) $(NEWLIB_FLAGS) $(if $(filter s%,$*),-DSTRING_ONLY) $(if $(findstring fi,$*),-DINTEGER_ONLY) \
		-c -o $@ $(NEWLIB_DIR)/libc/stdio/vfprintf.c
$(NEWLIB_DIR)/libc.a: $(NEWLIB_SRCS:%=$(NEWLIB_DIR)/obj/%.o) $(NEWLIB_FORMATS:%=$(NEWLIB_DIR)/obj/format/%.o) ports/newlib.mk
	$(call step,PORT,$@)rm -f $@ && ar rcsD $@ $(filter %.o,$^)
