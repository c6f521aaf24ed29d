# The configuration compiler at run time: a judge that loads and sets, and the shell's "config".
BINS := log timer serial power shell conf configured-test
FILES := first.ucl second.ucl broken.txt
TEST_CPUS := 1 2
