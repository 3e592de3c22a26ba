"""The gate: is the candidate good enough to meet users?"""
