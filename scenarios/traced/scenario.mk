# The shell traces a service and its client, and prints the trace; `check` converts it and looks whether it tells what they did.
BINS := log timer serial power shell greeter guest
