"""Jobs of SageMaker: found or created under their names, followed to their ends, stopped."""
