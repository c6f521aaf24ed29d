# Serves gdb's remote protocol on the service "serial" for a program that it starts, or that runs.
NAME := gdbstub
SRCS := main.c target.c threads.c memory.c program.c attach.c line.c commands.c access.c stops.c registers.c
LIBS := core service rt
PORTS := libfdt
