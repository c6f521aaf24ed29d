# Inits below inits, three levels deep, and who looks into them from the top.
BINS := compose-server nested-leaf nested-test
