# Kernel entry to the shell's first prompt, with the servers that it needs.
BINS := log timer serial power shell
CMDLINE := bench=prompt
TEST_CPUS :=
