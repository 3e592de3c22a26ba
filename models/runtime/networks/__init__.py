"""Keras networks: architectures, fitting, and the graphs made of them."""
