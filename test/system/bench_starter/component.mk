# Says when its main began, to bench-service.
NAME := bench-starter
SRCS := main.c
LIBS := service rt
