# Round trips, and pages delegated and revoked, per second on 1, 2 and 4 CPUs; without icount.
ROOT := bench-smp
BINS :=
TEST_CPUS :=
