# A nested init whose configuration changes while it runs, and a judge that changes it.
BINS := conf compose-server changing-child changing-test
FILES := first.ucl
