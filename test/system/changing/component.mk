# Changes the configuration of an init that runs, and looks at what becomes of its children.
NAME := changing-test
SRCS := main.c
LIBS := service rt
