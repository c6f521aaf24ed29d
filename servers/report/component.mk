# Reports that clients write, and that others read as ROM modules.
NAME := report
SRCS := main.c kept.c
LIBS := module policy service rt
PORTS := libfdt
