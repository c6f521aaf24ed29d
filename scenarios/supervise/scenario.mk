# Children that may be debugged, below a nested init, and a judge that debugs them and dies on them.
BINS := conf compose-server attachee supervise-spy supervise-test
FILES := first.ucl
