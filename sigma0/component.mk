# The root component: turns the machine into services with accounts, starts init.
NAME := sigma0
SRCS := args.c console.c cpu.c cpus.c dataspace.c domain.c echo.c exceptions.c fault.c init.c io_mem.c io_port.c irq.c log.c main.c named.c objects.c options.c \
        pd.c physical.c ram.c region_fault.c region_map.c rm.c rom.c services.c shelf.c start.S thread_state.c threads.c subjects.c trace.c uart.c
LIBS := log tree service rt
