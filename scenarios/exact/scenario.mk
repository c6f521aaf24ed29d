# Times and shares of time, judged where an instruction takes a nanosecond: no host makes anything late there (tools/test).
BINS := timer exact-test
TEST_CPUS :=
