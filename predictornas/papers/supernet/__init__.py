"""Studies of super-networks: what the papers claim of them, measured on searches that figures share."""
