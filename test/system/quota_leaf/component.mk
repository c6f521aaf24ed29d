# A leaf of scenarios/quota, good or bad as its args say.
NAME := quota-leaf
SRCS := main.c
LIBS := service rt
PORTS := libfdt
