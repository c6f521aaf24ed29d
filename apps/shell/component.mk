# The prompt, on the service "serial".
NAME := shell
SRCS := bench.c commands.c editor.c main.c show.c
LIBS := service rt
