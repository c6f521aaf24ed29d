# Kernel entry to the first instruction of the program in init's place.
INIT := bench-boot
TEST_CPUS :=
