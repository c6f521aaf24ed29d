# Judges times and shares of time, where the clock counts instructions (scenarios/exact).
NAME := exact-test
SRCS := main.c
LIBS := service rt
