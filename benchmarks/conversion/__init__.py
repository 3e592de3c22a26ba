"""What a conversion takes, what it loses, and what its results do in stock runtimes."""
