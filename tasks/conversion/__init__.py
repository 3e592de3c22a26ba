"""A trained model in the formats of phones and browsers, proven to answer the same."""
