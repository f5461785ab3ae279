"""How a results document is made from its template and the tables beside it."""
