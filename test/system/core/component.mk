# Runs in init's place: sigma0's services and the environment library, from inside.
NAME := core-test
SRCS := main.c cpu.c space.c domain.c domain_accounts.c attach.c populate.c life.c look.c trace.c trace_own.c exhaust.c exhaust_own.c hostile.c races.c fuzz.c devices.c dma.c interrupts.c rom.c pages.c load.c names.c priority.c
LIBS := core service rt
