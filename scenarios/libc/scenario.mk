# The C library in a component.
BINS := libc-test
TEST_CPUS := 1
