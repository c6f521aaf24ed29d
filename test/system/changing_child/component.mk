# A child whose configuration changes: it counts its calls, and ends if one is missing.
NAME := changing-child
SRCS := main.c
LIBS := service rt
PORTS := libfdt
