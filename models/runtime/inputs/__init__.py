"""What a client sends: one file each; ``models/runtime/input.py`` shows how to write another."""
