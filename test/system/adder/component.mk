# A service that gdb is let loose on (scenarios/debug-service): its handlers, its FPU registers, many threads.
NAME := adder
SRCS := main.c
LIBS := service rt
FPU := yes
