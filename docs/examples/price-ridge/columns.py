"""What the model learns from: train.py and inference.py import it."""

COLUMNS = ["sqft_living", "grade", "bedrooms", "bathrooms", "lat", "long"]
