# Reports as ROM modules, by policy; init's own state as one of them.
BINS := report report-test compose-server changing-child
