# In init's place: how long it took to get there.
NAME := bench-boot
SRCS := main.c
LIBS := service rt
