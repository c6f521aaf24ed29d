NAME := service
SRCS := $(notdir $(sort $(wildcard lib/service/*.c)))
