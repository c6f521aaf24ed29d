# The kernel's own tests: they are the root program, so nothing else is in the archive.
ROOT := kernel-test
BINS :=
