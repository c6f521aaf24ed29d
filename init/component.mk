# Starts and supervises the children that the ROM module "config" describes.
NAME := init
SRCS := child.c config.c config_rom.c control.c fault.c main.c policy.c account.c
LIBS := service rt
PORTS := libfdt
