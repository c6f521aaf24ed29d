# The prompt, on the service "serial".
NAME := shell
SRCS := bench.c commands.c config.c editor.c main.c quota.c show.c trace.c trace_text.c trace_words.c tree.c
LIBS := core service rt
