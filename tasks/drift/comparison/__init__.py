"""Two-sample tests on profiles and on sampled rows, effect sizes, and one error budget."""
