# The tour: what a newcomer sees first (doc/tour.md).
BINS := log timer serial power shell greeter guest stranger fragile patient runaway
