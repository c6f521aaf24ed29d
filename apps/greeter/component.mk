# Tour: a service with a session a client.
NAME := greeter
SRCS := main.c
LIBS := service rt

