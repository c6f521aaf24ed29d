# The prompt, on the service "serial".
NAME := shell
SRCS := bench.c commands.c config.c editor.c main.c show.c quota.c
LIBS := core service rt
