# Tour: a loop that its account stops.
NAME := runaway
SRCS := main.c
LIBS := service rt

