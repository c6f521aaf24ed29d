# core-test with a million allocations and frees, for `make soak`.
INIT := core-test
CMDLINE := soak=1000000
TEST_CPUS :=
