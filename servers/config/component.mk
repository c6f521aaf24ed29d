# The configuration compiler as a service, and what it compiles as a ROM module that changes.
NAME := conf
SRCS := main.c current.c module.c
LIBS := conf module service rt
PORTS := newlib ucl libfdt
FPU := yes
