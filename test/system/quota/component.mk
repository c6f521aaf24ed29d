# The judge of scenarios/quota: whether bad components change the figures of the good.
NAME := quota-test
SRCS := main.c
LIBS := service rt
