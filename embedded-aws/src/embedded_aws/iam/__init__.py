"""IAM's policies, evaluated: moto keeps them, and asks none."""
