NAME := rt
SRCS := address.c archive.c assert.c dry.c elf.c fallback.c heap.c locks.c memory.c message.c print.c program.c \
        range.c selector.c span.c start.S start.c string.c sync.c thread.c
