# Driver of a serial port (16550), service "serial".
NAME := serial
SRCS := main.c ring.c uart.c
LIBS := service rt
PORTS := libfdt
