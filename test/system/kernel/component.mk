# Runs as the root program: the kernel alone, without sigma0.
NAME := kernel-test
SRCS := start.S main.c support.c arguments.c ipc.c death.c exceptions.c memory.c semaphore.c schedule.c account.c random.c smp.c delegation.c signal.c \
	interrupt.c trace.c priority.c
LIBS :=
