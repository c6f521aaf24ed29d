# A client that asks the adder for its own end.
NAME := adder-guest
SRCS := main.c
LIBS := service rt
