"""One training loop for every network; what differs between networks is a ``Task``."""
