# A client of adder, whose calls go on as long as the system runs.
NAME := adder-caller
SRCS := main.c
LIBS := service rt
