# lib/rt on the bare kernel: the root program, without sigma0.
NAME := rt-test
SRCS := main.c root.c
LIBS := rt
