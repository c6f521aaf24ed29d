# Tour: a client without a route.
NAME := stranger
SRCS := main.c
LIBS := service rt

