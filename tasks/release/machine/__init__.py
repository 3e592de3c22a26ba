"""What to do next in a release, from its journal and the observed state. Pure."""
