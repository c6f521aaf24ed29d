# Debugs children of an init below this one, and looks at what is left of that.
NAME := supervise-test
SRCS := main.c config.c debuggee.c
LIBS := core service rt
