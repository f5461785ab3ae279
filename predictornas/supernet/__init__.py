"""One network that holds every architecture of a space, and the parts that search in it."""
