# Kills every other component of its scenario a hundred times and compares what is free.
NAME := lives-test
SRCS := main.c
LIBS := service rt
