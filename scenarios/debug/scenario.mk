# gdb on a component: gdbstub on the second serial line (doc/debugging.md); the test's gdb is driven by `drive`.
BINS := serial log gdbstub debuggee
