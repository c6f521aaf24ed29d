# Tour: a client whose service dies and comes back.
NAME := patient
SRCS := main.c
LIBS := service rt

