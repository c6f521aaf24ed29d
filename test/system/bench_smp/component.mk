# Round trips per second on several CPUs, as the root program.
NAME := bench-smp
SRCS := ../kernel/start.S ../kernel/support.c main.c
LIBS :=
