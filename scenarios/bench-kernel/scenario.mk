# The kernel's figures: the root program measures, nothing else runs.
ROOT := kernel-bench
BINS :=
TEST_CPUS :=
