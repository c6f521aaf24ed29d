# Turning the machine off and on, service "power".
NAME := power
SRCS := main.c acpi.c tables.c reset.c
LIBS := service rt
