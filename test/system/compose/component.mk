# Judges composition by init from inside: routes, both kinds of sessions, death and return of services and clients.
NAME := compose-test
SRCS := main.c routes.c accounts.c lives.c peaks.c upgrades.c races.c
LIBS := core service rt
PORTS := libfdt
