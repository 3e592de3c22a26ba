"""The training and serving programs, and the small modules that they share."""
