NAME := log
SRCS := ring.c
