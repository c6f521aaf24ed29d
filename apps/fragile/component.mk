# Tour: a service that faults at its third call.
NAME := fragile
SRCS := main.c
LIBS := service rt

