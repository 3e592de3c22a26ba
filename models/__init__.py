"""What is trained: one folder per model, and the programs that they share.

Everything here is shipped into training and serving containers, so it imports neither Prefect
nor ``tasks``.
"""
