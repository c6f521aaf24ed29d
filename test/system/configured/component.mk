# Judges the configuration compiler (servers/config) as a client and as a reader of its ROM module.
NAME := configured-test
SRCS := main.c
LIBS := service rt
PORTS := libfdt
