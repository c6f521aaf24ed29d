# Judges the C library (ports/newlib.mk) from inside a component.
NAME := libc-test
SRCS := main.c
LIBS := service rt
PORTS := newlib
FPU := yes
