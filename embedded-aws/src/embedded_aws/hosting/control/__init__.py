"""The control plane: what SageMaker's actions ask for, and how an endpoint gets there."""
