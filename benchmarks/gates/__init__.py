"""What the data gates cost, and how near their estimate of wrong labels is."""
