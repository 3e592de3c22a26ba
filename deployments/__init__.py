"""Where Sluice runs: a laptop, or an AWS account."""
