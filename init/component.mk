# Starts and supervises the children that the ROM module "config" describes.
NAME := init
SRCS := account.c change.c child.c config.c config_rom.c control.c debug.c debuggee.c difference.c fault.c \
	keep.c main.c peak.c policy.c priority.c quota.c \
	report.c self.c share.c source.c state.c
LIBS := core module service rt
PORTS := libfdt
