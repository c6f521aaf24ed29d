# The interval tree of include/tessera/tree.h for programs: sigma0's region maps.
NAME := tree
SRCS := tree.c
