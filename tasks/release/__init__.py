"""Release stage: decide, move and prove."""
