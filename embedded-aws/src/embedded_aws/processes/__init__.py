"""Processes of jobs and endpoints: none outlives the embedded AWS, however that ends."""
