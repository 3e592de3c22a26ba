"""What learns: one file each; ``models/runtime/backend.py`` shows how to write another."""
