# The boot log of sigma0's objects, in the seed's form and with its selectors.
INIT := bench-boot
CMDLINE := trace=objects
TEST_CPUS := 2
