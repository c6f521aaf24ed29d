# Clients of sigma0's services on several CPUs at once, in init's place.
NAME := bench-core-smp
SRCS := main.c ../core/load.c
LIBS := core service rt
