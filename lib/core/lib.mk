# Clients of sigma0's services, and signals.
NAME := core
SRCS := $(notdir $(sort $(wildcard lib/core/*.c)))
