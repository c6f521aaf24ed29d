# Writes reports and reads them, init's among them.
NAME := report-test
SRCS := main.c
LIBS := service rt
