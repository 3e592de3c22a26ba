"""What probably happened to a column: the smallest story that reproduces what is seen now."""
