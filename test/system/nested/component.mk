# Looks into inits below inits from the top, and ends them.
NAME := nested-test
SRCS := main.c
LIBS := core service rt
