# Each application of the tour killed a hundred times.
BINS := log timer serial power greeter fragile guest stranger patient runaway shell lives-test
TEST_CPUS := 1 4
