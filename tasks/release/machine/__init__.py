"""What to do next in a release, from its journal and one look at the world. Pure."""
