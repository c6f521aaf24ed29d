# Attaches to a child, stops it at a breakpoint, and stays until it is killed.
NAME := supervise-spy
SRCS := main.c ../supervise/debuggee.c
LIBS := core service rt
