# Writes reports and reads them, init's among them.
NAME := report-test
SRCS := main.c feed.c
LIBS := core service rt
PORTS := libfdt
