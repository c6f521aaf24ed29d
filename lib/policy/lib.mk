# A server's policy: which block of its configuration is for a session's label.
NAME := policy
SRCS := policy.c
PORTS := libfdt
