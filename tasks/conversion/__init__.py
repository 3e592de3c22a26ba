"""Bringing a trained model into the formats of phones and browsers, and proving that it still
answers the same."""
