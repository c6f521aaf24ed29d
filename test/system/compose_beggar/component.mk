# Asks for what it may not have, again and again.
NAME := compose-beggar
SRCS := main.c
LIBS := service rt
