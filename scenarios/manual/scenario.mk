# The manual's examples, as a child of init.
BINS := manual-test manual-tally
