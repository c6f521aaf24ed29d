# Instructions of the service protocol and of a component's start.
BINS := compose-server bench-service bench-starter
TEST_CPUS :=
