# What gdb is let loose on: two threads, globals, heap (scenarios/debug).
NAME := debuggee
SRCS := main.c
LIBS := service rt
