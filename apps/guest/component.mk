# Tour: a client of the greeter, told by its config who it is.
NAME := guest
SRCS := main.c
LIBS := service rt
PORTS := libfdt
