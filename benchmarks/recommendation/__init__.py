"""The recommender: how fast it answers, and how much it foresees beside its peers."""
