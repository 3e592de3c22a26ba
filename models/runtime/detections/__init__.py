"""Boxes around objects: read, compared, measured, and drawn from the maps of a network."""
