# Operations of sigma0's services per second with clients on 1, 2 and 4 CPUs; without icount.
INIT := bench-core-smp
TEST_CPUS :=
CMDLINE := trace=locks
