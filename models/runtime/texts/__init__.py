"""Texts: how one becomes words, and words become the ids that a graph reads."""
