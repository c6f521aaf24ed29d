# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: 2026 The Tessera authors
#
# libfdt, from Debian's package libfdt-dev 1.6.1-4+b1 (source device-tree-compiler): its static archive, compiled without SSE.
# It carries stack-protector code, which reads a thread-local word that our threads do not have; tools/port-unprotect puts
# zero in its place. Headers come from the same package, with ports/libfdt/include for libc's.
# Not built from the source package: mirrors that list it but answer 404 for its archive exist. Once that is no concern,
# tools/port device-tree-compiler 1.6.1-4 device-tree-compiler_1.6.1.orig.tar.xz (SHA-256 65cec529893659a49a89740bb362f507a3b94fc8cd791e76a8d6a2b6f3203473)
# fetches it.
PACKAGES_libfdt := libfdt-dev
PORT_libfdt := $(B)/ports/libfdt.a $(B)/ports/libfdt/glue.c.o
PORT_libfdt_CFLAGS := -isystem ports/libfdt/include
$(B)/ports/libfdt.a: $(B)/packages.libfdt tools/port-unprotect
	$(call step,PORT,$@)mkdir -p $(@D) && tools/port-unprotect /usr/lib/x86_64-linux-gnu/libfdt.a $@ \
		3141c0163b61398b8c64e381d397f89038c6ea3335247fcdcaa0663349426504
