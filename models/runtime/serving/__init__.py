"""The server of a bundle, and what it counts."""
