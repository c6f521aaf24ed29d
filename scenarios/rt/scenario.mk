# Tests of lib/rt as the root program: nothing else is in the archive.
ROOT := rt-test
BINS :=
