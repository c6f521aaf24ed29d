# Timers and the time of day, service "timer".
NAME := timer
SRCS := main.c queue.c clock.c rtc.c
LIBS := service rt
