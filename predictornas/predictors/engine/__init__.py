"""How graphs become what networks compute on: dense tensors, or tables of distinct neighbourhoods."""
