# Instructions of calls, sessions and starts, by way of init.
NAME := bench-service
SRCS := main.c
LIBS := service rt
