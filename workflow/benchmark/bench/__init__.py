"""How fast this is on the machine at hand, beside the libraries used plainly and the machine's limit: `make bench`."""
