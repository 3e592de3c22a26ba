"""How each stage works: pure decisions inside, thin Prefect tasks at the door."""
