"""``make bench``: how fast the product is on this machine, beside what else could be asked for the same."""
