# Judges the timer server, the serial driver and the power driver as a client.
NAME := drivers-test
SRCS := main.c
LIBS := service rt
