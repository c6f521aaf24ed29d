# Each component of the tour killed a hundred times.
BINS := log timer serial power greeter fragile lives-test
TEST_CPUS := 1 4
