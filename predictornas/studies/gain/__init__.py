"""Studies of searches on a table: methods and seeds, their journals, and the gain over random search."""
