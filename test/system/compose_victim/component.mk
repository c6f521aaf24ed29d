# Asks its server to have it killed; and waits, under another name, for a service that nobody offers.
NAME := compose-victim
SRCS := main.c
LIBS := service rt
