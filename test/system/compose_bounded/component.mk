# Sees to it that init's limits of the processor hold for it.
NAME := compose-bounded
SRCS := main.c
LIBS := service rt
