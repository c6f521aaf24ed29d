# gdb on a service, whose client waits while it stands still (doc/debugging.md); the test's gdb is driven by `drive`.
BINS := serial log gdbstub adder adder-caller adder-guest
