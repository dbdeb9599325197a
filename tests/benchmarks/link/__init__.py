"""The parts of `make bench-link`: each module measures one thing and gives its figures."""
