"""Rooms of the embedded AWS without the rest of it, set up as a test needs them."""
