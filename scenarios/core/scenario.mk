# sigma0's services, tested by a program that runs in init's place.
INIT := core-test
