"""What runs. One file per flow, read from top to bottom like a recipe."""
