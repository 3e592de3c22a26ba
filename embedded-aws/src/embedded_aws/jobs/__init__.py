"""What the rooms of SageMaker's jobs share: S3 in and out, processes, logs, lists."""
