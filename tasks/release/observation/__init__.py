"""What a release sees: the state at AWS, windows of counts, captured pairs, and their ruling."""
