# Runs as the root program, on the support code of the kernel's tests.
NAME := kernel-bench
SRCS := ../kernel/start.S ../kernel/support.c bench.c
LIBS :=
