# A running system is reconfigured from the prompt: the shell, the compiler, and an init that it feeds.
BINS := log timer serial power shell conf changing-child compose-server
FILES := first.ucl second.ucl
TEST_CPUS := 1 2
