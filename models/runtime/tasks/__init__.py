"""What is predicted: one file each; ``models/runtime/task.py`` shows how to write another."""
