# Judges what outlives a component: kept dataspaces, sessions, accounts.
NAME := kept-test
SRCS := main.c own.c sessions.c
LIBS := core service rt
