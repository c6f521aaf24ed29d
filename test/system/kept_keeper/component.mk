# Keeps what it is told for its next life, and its sessions' state; dies in the ways it is told.
NAME := kept-keeper
SRCS := main.c
LIBS := service rt
