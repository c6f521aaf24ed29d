# Two services for compose-test: "echo" with session portals, "count" with translated sessions.
NAME := compose-server
SRCS := main.c
LIBS := service rt
