# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: 2026 The Tessera authors
#
# The whole build in one makefile: kernel, libraries, components, scenarios, tests. `make help` lists the targets.
# A component is a folder with component.mk (NAME, SRCS, LIBS, PORTS, FPU := yes if it computes with doubles); a library has lib.mk;
# a scenario has scenario.mk (BINS, optional ROOT, CMDLINE, TEST_CPUS, and FILES in its folder that become ROM modules) and, to be a
# test, a file `expect` or a component that prints test: lines.
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules
.SUFFIXES:

B := build
comma := ,
space := $(subst ,, )
CC ?= gcc
ifeq ($(origin CC),default)
CC := gcc
endif
HOSTCC ?= gcc
S ?= $(if $(wildcard scenarios/tour/scenario.mk),tour,kernel)
# What `make new NAME=...` was told: the files that are read below have a NAME of their own.
NEW_NAME := $(NAME)
Q := $(if $(V),,@)
step = $(if $(V),,@printf '  %-8s %s\n' $(1) $(2);)

WARNINGS := -Wall -Wextra -Werror
COMMON := -std=gnu11 -O2 -g -ffreestanding -mgeneral-regs-only -fno-stack-protector -fcf-protection=none \
	-fno-asynchronous-unwind-tables -fno-strict-aliasing -ffile-prefix-map=$(CURDIR)=. $(WARNINGS) \
	-Iinclude -I. -I$(B) $(if $(DEBUG),-DDEBUG)
KERNEL_FLAGS := $(COMMON) -fno-pie -mcmodel=kernel -mno-red-zone
USER_FLAGS := $(COMMON) -fPIE -fvisibility=hidden -ffunction-sections -fdata-sections
user_flags = $(if $(1),$(filter-out -mgeneral-regs-only,$(USER_FLAGS)),$(USER_FLAGS))
comma := ,
LINK_FLAGS := --build-id=none -zmax-page-size=4096 -znoexecstack --no-relax
LINK := ld -nostdlib -static $(LINK_FLAGS)
# The kernel is optimized as a whole where gcc builds it; but for memset and the like, which are to be expanded where they are used.
KERNEL_LTO := $(if $(findstring gcc,$(CC)),-flto -flto-partition=one)
KERNEL_LINK := $(if $(KERNEL_LTO),$(CC) $(KERNEL_FLAGS) $(KERNEL_LTO) -nostdlib -static -no-pie $(LINK_FLAGS:%=-Wl$(comma)%),$(LINK))

LIBGCC := $(shell gcc -print-libgcc-file-name)

# The compiler, DEBUG and the flags below are part of what an object depends on.
CONFIG := $(B)/config.$(notdir $(CC))$(if $(DEBUG),.debug)
$(CONFIG): Makefile $(B)/packages.run
	$(Q)mkdir -p $(B); rm -f $(B)/config.*; touch $@

# Packages, once a build folder and change of the lists.
PACKAGES_run := gcc make qemu-system-x86 python3 binutils
PACKAGES_iso := grub-pc-bin grub-efi-amd64-bin grub-common xorriso mtools ovmf
PACKAGES_lint := clang-format clang-tidy cppcheck clang
PACKAGES_gdb := gdb
PACKAGES_test := spin libfdt-dev gdb babeltrace2
PACKAGES_graph := graphviz
PACKAGES_trace := babeltrace2
$(B)/packages.%: Makefile
	$(Q)mkdir -p $(B); tools/packages $(PACKAGES_$*) && touch $@

# Kernel
K_C := $(filter-out kernel/arch/x86_64/offsets.c,$(sort $(wildcard kernel/*.c kernel/arch/x86_64/*.c)))
K_S := $(sort $(wildcard kernel/arch/x86_64/*.S))
K_O := $(K_C:%=$(B)/%.o) $(K_S:%=$(B)/%.o)
$(B)/gen/offsets.h: kernel/arch/x86_64/offsets.c $(CONFIG)
	$(call step,GEN,$@)mkdir -p $(@D) && $(CC) $(KERNEL_FLAGS) -MMD -MP -MT $@ -MF $@.d -S -o $@.s $< && \
		sed -n 's/^.*"->\([A-Z0-9_]*\) \([0-9]*\)".*/#define \1 \2/p' $@.s > $@
$(B)/kernel/string.c.o: KERNEL_LTO :=
$(B)/kernel/%.c.o: kernel/%.c $(CONFIG)
	$(call step,CC,$<)mkdir -p $(@D) && $(CC) $(KERNEL_FLAGS) $(KERNEL_LTO) -MMD -MP -c -o $@ $<
$(B)/kernel/%.S.o: kernel/%.S $(B)/gen/offsets.h $(CONFIG)
	$(call step,AS,$<)mkdir -p $(@D) && $(CC) $(KERNEL_FLAGS) -MMD -MP -c -o $@ $<
$(B)/kernel.elf: $(K_O) kernel/arch/x86_64/kernel.ld
	$(call step,LINK,$@)$(KERNEL_LINK) -T kernel/arch/x86_64/kernel.ld -o $@ $(K_O)

# Libraries and components. clear-and-include keeps each folder's variables its own.
LIB_MKS := $(sort $(wildcard lib/*/lib.mk))
COMPONENT_MKS := $(sort $(wildcard sigma0/component.mk init/component.mk drivers/*/component.mk servers/*/component.mk \
	apps/*/component.mk test/system/*/component.mk))
-include $(sort $(wildcard ports/*.mk)) $(wildcard tools/conf/conf.mk)

define read_lib
NAME :=
SRCS :=
PORTS :=
CFLAGS :=
FPU :=
include $(1)
LIB_$$(NAME) := $$(SRCS:%=$(B)/$(dir $(1))%.o)
$$(LIB_$$(NAME)): EXTRA := $$(CFLAGS) $$(foreach p,$$(PORTS),$$(PORT_$$(p)_CFLAGS))
$$(LIB_$$(NAME)): FPU := $$(FPU)
$$(LIB_$$(NAME)): | $$(foreach p,$$(PORTS),$$(PORT_$$(p)))
endef
$(foreach mk,$(LIB_MKS),$(eval $(call read_lib,$(mk))))

define read_component
NAME :=
SRCS :=
LIBS :=
PORTS :=
CFLAGS :=
FPU :=
include $(1)
COMPONENTS += $$(NAME)
DIR_$$(NAME) := $(dir $(1))
OBJ_$$(NAME) := $$(SRCS:%=$(B)/$(dir $(1))%.o)
$$(OBJ_$$(NAME)): EXTRA := $$(CFLAGS) $$(foreach p,$$(PORTS),$$(PORT_$$(p)_CFLAGS))
$$(OBJ_$$(NAME)): FPU := $$(FPU)
$$(OBJ_$$(NAME)): $$(foreach p,$$(PORTS),$$(PORT_$$(p)))
$(B)/bin/$$(NAME): $$(OBJ_$$(NAME)) $$(foreach l,$$(LIBS),$$(LIB_$$(l))) $$(foreach p,$$(PORTS),$$(PORT_$$(p)))
$(B)/bin/$$(NAME): $$(wildcard lib/rt/user.ld) Makefile
endef
COMPONENTS :=
$(foreach mk,$(COMPONENT_MKS),$(eval $(call read_component,$(mk))))
$(B)/bin/%:
	$(call step,LINK,$@)mkdir -p $(@D) && $(LINK) --gc-sections -T lib/rt/user.ld -o $@ --start-group $(filter %.o %.a,$^) $(LIBGCC) --end-group

USER_DIRS := sigma0 init lib drivers servers apps ports test/system
define user_rules
$(B)/$(1)/%.c.o: $(1)/%.c $(CONFIG)
	$$(call step,CC,$$<)mkdir -p $$(@D) && $$(CC) $$(call user_flags,$$(FPU)) $$(EXTRA) -MMD -MP -c -o $$@ $$<
$(B)/$(1)/%.S.o: $(1)/%.S $(CONFIG)
	$$(call step,AS,$$<)mkdir -p $$(@D) && $$(CC) $$(USER_FLAGS) $$(EXTRA) -MMD -MP -c -o $$@ $$<
endef
$(foreach d,$(USER_DIRS),$(eval $(call user_rules,$(d))))

# Host tools
$(B)/tools/%: tools/%.c $(B)/packages.run
	$(call step,HOSTCC,$<)mkdir -p $(@D) && $(HOSTCC) -std=gnu11 -O2 $(WARNINGS) -Iinclude -o $@ $<

# What is booted has no debug information; bin/ keeps it for gdb and the profiler.
$(B)/boot/%: $(B)/bin/%
	$(Q)mkdir -p $(@D) && objcopy --strip-all $< $@

# Scenarios
SCENARIOS := $(patsubst scenarios/%/scenario.mk,%,$(sort $(wildcard scenarios/*/scenario.mk)))
$(if $(filter-out $(SCENARIOS),$(S)),$(error S: found "$(S)", expected a folder of scenarios/ with a scenario.mk: $(SCENARIOS)))
define read_scenario
BINS :=
FILES :=
ROOT := sigma0
INIT := init
CMDLINE :=
TEST_CPUS := 1 2 4
include scenarios/$(1)/scenario.mk
$$(foreach b,$$(if $$(NEW_NAME),,$$(filter-out $$(COMPONENTS),$$(BINS) $$(ROOT) $$(INIT))),\
	$$(error scenarios/$(1)/scenario.mk: BINS, ROOT or INIT: found "$$(b)", expected NAME of a component.mk: $$(sort $$(COMPONENTS))))
CMDLINE_$(1) := $$(CMDLINE)
TEST_CPUS_$(1) := $$(TEST_CPUS)
$(if $(wildcard scenarios/$(1)/$(1).ucl),
$(B)/scenarios/$(1).dtb: scenarios/$(1)/$(1).ucl $(B)/tools/conf
	$$(call step,CONF,$$<)mkdir -p $$(@D) && $(B)/tools/conf -o $$@ $$<)
$(B)/scenarios/$(1).cpio: $(B)/tools/mkarchive scenarios/$(1)/scenario.mk $$(BINS:%=$(B)/boot/%) $(B)/boot/$$(ROOT) \
		$$(FILES:%=scenarios/$(1)/%) $$(if $$(filter sigma0,$$(ROOT)),$(B)/boot/$$(INIT)) \
		$(if $(wildcard scenarios/$(1)/$(1).ucl),$(B)/scenarios/$(1).dtb)
	$$(call step,ARCHIVE,$$@)mkdir -p $$(@D) && $(B)/tools/mkarchive $$@ sigma0=$(B)/boot/$$(ROOT) \
		$$(if $$(filter sigma0,$$(ROOT)),init=$(B)/boot/$$(INIT)) \
		$$(foreach b,$$(BINS),$$(b)=$(B)/boot/$$(b)) $$(foreach f,$$(FILES),$$(f)=scenarios/$(1)/$$(f)) \
		$(if $(wildcard scenarios/$(1)/$(1).ucl),config=$(B)/scenarios/$(1).dtb)
$(B)/scenarios/$(1).cpio: ROOT := $$(ROOT)
$(B)/scenarios/$(1).cpio: INIT := $$(INIT)
$(B)/scenarios/$(1).cpio: BINS := $$(BINS)
$(B)/scenarios/$(1).cpio: FILES := $$(FILES)
endef
$(foreach s,$(SCENARIOS),$(eval $(call read_scenario,$(s))))
ALL_ARCHIVES := $(SCENARIOS:%=$(B)/scenarios/%.cpio)

-include $(shell find $(B) -name '*.d' 2>/dev/null)

.PHONY: help all run test bench profile iso gdb gdb-app graph graph-without-text trace lint new soak mutants clean
.SECONDARY:
all: $(B)/kernel.elf $(ALL_ARCHIVES)

help: ## what there is
	@printf 'Tessera. Targets:\n'
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 20
	@printf 'Variables: S=scenario (%s)  T=test-pattern  K=bench-key  CC=gcc|clang  CPUS=n  ACCEL=tcg|kvm  DEBUG=1  QUOTAS=1  V=1\n' \
		'$(SCENARIOS)'

run: $(B)/packages.run $(B)/kernel.elf $(B)/scenarios/$(S).cpio ## boot scenario S in QEMU on this terminal (leave: poweroff, or Ctrl-A X)
	$(Q)tools/qemu run $(B)/kernel.elf $(B)/scenarios/$(S).cpio "$(strip $(CMDLINE_$(S)) $(if $(QUOTAS),quotas=1))"

# The tour by way of GRUB, for the tests of both firmwares.
$(B)/tour.iso: $(B)/packages.iso $(B)/kernel.elf $(B)/scenarios/tour.cpio tools/iso
	$(Q)tools/iso $(B)/kernel.elf $(B)/scenarios/tour.cpio $@ ""

test: $(B)/packages.run $(B)/packages.test $(B)/packages.graph all $(B)/tour.iso ## all tests that match T; closes with "N passed, N failed"
	$(Q)tools/test $(if $(value T),-m '$(value T)') $(foreach s,$(SCENARIOS),$(s):$(subst $(space),$(comma),$(TEST_CPUS_$(s))))

bench: $(B)/packages.run all ## instructions per operation, into build/bench.json
	$(Q)tools/bench $(filter bench%,$(SCENARIOS))

profile: $(B)/packages.run all ## where the instructions of bench key K go (ORDER=1: as executed)
	$(Q)tools/profile/profile '$(K)' '$(ORDER)'

iso: $(B)/packages.run $(B)/packages.iso $(B)/kernel.elf $(B)/scenarios/$(S).cpio ## build/tessera.iso, bootable by BIOS and UEFI
	$(Q)tools/iso $(B)/kernel.elf $(B)/scenarios/$(S).cpio $(B)/tessera.iso "$(CMDLINE_$(S))"

gdb: $(B)/packages.run $(B)/packages.gdb $(B)/kernel.elf $(B)/scenarios/$(S).cpio ## boot scenario S and attach gdb to it
	$(Q)tools/qemu gdb $(B)/kernel.elf $(B)/scenarios/$(S).cpio "$(CMDLINE_$(S))"

gdb-app: $(B)/packages.run $(B)/packages.gdb $(B)/kernel.elf $(B)/scenarios/$(S).cpio ## gdb on a component: boot scenario S, which has a gdbstub, and attach (S=debug)
	$(Q)tools/qemu gdb-app $(B)/kernel.elf $(B)/scenarios/$(S).cpio "$(CMDLINE_$(S))"

graph: $(B)/packages.graph $(if $(wildcard scenarios/$(S)/$(S).ucl),$(B)/graph-$(S).svg,graph-without-text) ## build/graph-S.svg: the components of scenario S and the sessions between them
$(B)/graph-%.svg: $(B)/scenarios/%.dtb tools/graph
	$(call step,GRAPH,$@)tools/graph $< $* > $(@:.svg=.dot) && dot -Tsvg -o $@ $(@:.svg=.dot)

graph-without-text:
	$(Q)echo 'graph: S: found "$(S)", which has no scenarios/$(S)/$(S).ucl to draw, expected one of $(foreach s,$(SCENARIOS),$(if $(wildcard scenarios/$(s)/$(s).ucl),$(s)))' >&2; exit 1

trace: $(B)/packages.run $(B)/packages.trace $(B)/kernel.elf $(B)/scenarios/$(S).cpio ## what scenario S does, for babeltrace2 and Perfetto: build/trace-S, build/trace-S.json (INPUT=file: what to type)
	$(Q)tools/trace $(S) $(B)/kernel.elf $(B)/scenarios/$(S).cpio "$(CMDLINE_$(S))" $(INPUT)

lint: $(B)/packages.lint $(B)/packages.libfdt $(B)/gen/offsets.h $(UCL_DIR)/fetched $(NEWLIB_DIR)/fetched ## format, static checks, headers that compile alone, layering
	$(Q)tools/lint

new: ## a new component: make new NAME=hello
	$(Q)tools/new '$(NEW_NAME)'

SOAK ?= 1000000
soak: all ## a million (SOAK) allocations and as many sessions, then the tests again and again for an hour
	$(Q)LIMIT=1800 CMDLINE=soak=$(SOAK) tools/test -m '^(soak|compose)@' soak:1,2 compose:1,2
	$(Q)end=$$(($$(date +%s) + 3600)); while [ $$(date +%s) -lt $$end ]; do $(MAKE) --no-print-directory test || exit 1; done

mutants: all ## break one line at a time and name the breakages no test notices
	$(Q)tools/mutants

clean: ## remove build/
	$(Q)rm -rf $(B)

