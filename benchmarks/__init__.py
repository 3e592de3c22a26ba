"""Speed and quality, measured beside named peers in the same run. Commands that print tables."""
