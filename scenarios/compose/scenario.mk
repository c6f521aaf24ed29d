# Composition by init: two services, a client that judges, and children that die in all ways.
BINS := compose-server compose-test compose-victim compose-bounded compose-beggar
