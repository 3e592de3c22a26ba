"""What people see: small charts, tables and the artifacts of a run."""
