"""What recommenders are made of: measures of an order, exact search, towers, the second stage."""
