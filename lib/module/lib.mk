# ROM modules that change: the configuration compiler's, reports, the `config` blocks of init's children.
NAME := module
SRCS := module.c
