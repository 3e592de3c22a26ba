"""Model quality: the champion on rows with labels, and what to expect of the others. Pure."""
