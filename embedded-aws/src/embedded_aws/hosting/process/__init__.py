"""One serving process: how it is started, spoken to, measured and ended."""
