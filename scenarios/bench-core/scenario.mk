# Instructions of sigma0's services.
INIT := bench-core
TEST_CPUS :=
