# scenarios/quota under icount: the good leaves' instructions alone, and beside the bad.
BINS := quota-test quota-leaf
TEST_CPUS :=
