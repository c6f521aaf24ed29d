# The manual's worked examples: what doc/*.md quotes, compiled and run (test/host/doc_examples.c keeps the two the same).
NAME := manual-test
SRCS := main.c dataspaces.c devices.c domains.c keeping.c log.c maps.c quotas.c rom.c signals.c threads.c trace.c
LIBS := core service rt
