# What outlives components: kept dataspaces and the sessions of servers, at two levels.
BINS := conf log report compose-server kept-keeper kept-leaf kept-test
FILES := first.ucl
