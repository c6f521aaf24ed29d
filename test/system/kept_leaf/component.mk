# Counts its lives in what it keeps, and shows the number in the label of a session.
NAME := kept-leaf
SRCS := main.c
LIBS := service rt
