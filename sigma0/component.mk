# The root component: turns the machine into services with accounts, starts init.
NAME := sigma0
SRCS := args.c console.c cpu.c cpus.c echo.c fault.c init.c io_mem.c io_port.c irq.c log.c main.c objects.c options.c \
        pd.c physical.c ram.c rom.c services.c start.S uart.c
LIBS := log service rt
