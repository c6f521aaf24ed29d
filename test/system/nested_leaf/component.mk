# A child of an init below an init below the init; it looks at what it has.
NAME := nested-leaf
SRCS := main.c
LIBS := core service rt
PORTS := libfdt
