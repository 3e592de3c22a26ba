"""Dates and times as text: forms (JDK patterns), zones, and reading one or many of them."""
