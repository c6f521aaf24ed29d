# What gdb attaches to in scenarios/attach.
NAME := attachee
SRCS := main.c
LIBS := service rt
