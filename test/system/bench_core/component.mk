# Instructions of sigma0's services, in init's place.
NAME := bench-core
SRCS := main.c trace.c ../core/space.c
LIBS := core service rt
