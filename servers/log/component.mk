# The log of a sub-tree: labelled lines, the latest kept for reading.
NAME := log
SRCS := main.c
LIBS := log core service rt
