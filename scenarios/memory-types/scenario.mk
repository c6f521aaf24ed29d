# Device memory of both types, attached by way of a region map: QEMU's monitor shows the page table that came of it.
INIT := core-test
CMDLINE := show=memory-types
TEST_CPUS := 1
