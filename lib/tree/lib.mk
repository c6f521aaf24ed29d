# The interval tree: the kernel's mappings, sigma0's region maps.
NAME := tree
SRCS := tree.c
