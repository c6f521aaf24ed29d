# Components that exhaust, leak and crash, three levels of init deep, beside good ones.
BINS := quota-test quota-leaf
