# core-test with a million allocations and frees, for `make soak`, which runs scenarios/compose with a million sessions beside it.
INIT := core-test
CMDLINE := soak=1000000
TEST_CPUS :=
