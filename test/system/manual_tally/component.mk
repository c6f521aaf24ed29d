# The manual's server whose sessions outlive it (doc/keeping.md).
NAME := manual-tally
SRCS := ../manual/tally.c
LIBS := service rt
