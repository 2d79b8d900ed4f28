"""Load generator, reference server and comparisons, run by `make bench`."""
