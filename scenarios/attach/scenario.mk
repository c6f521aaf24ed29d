# gdb attaches to a child of init that runs (doc/debugging.md); the test's gdb is driven by `drive`.
BINS := serial log gdbstub attachee
