"""What a study of searches will show, told before it is run."""
